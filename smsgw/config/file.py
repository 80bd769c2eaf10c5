"""TOML file -> frozen settings, or every fault in it at once.

Reads the file and the password files that it names, and opens nothing else.
"""

import difflib
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from smsgw.config.checks import Section
from smsgw.config.portal import PortalSettings
from smsgw.config.sections import GatewaySettings, RegistrationSettings, Settings
from smsgw.config.smsc import LINK_NAME, SmscSettings
from smsgw.database import files_of_servers, is_server
from smsgw.errors import SmsgwError
from smsgw.harmless import harmless
from smsgw.smpp.alphabets import Alphabet

PLACES = (Path("config.toml"), Path("/etc/smsgw/config.toml"))  #: where `find` looks


class Fault(NamedTuple):
    """One thing that is wrong with the configuration."""

    key: str  #: such as "smsc.mobi.password_file"; "" where the file as a whole is meant
    problem: str
    remedy: str | None = None

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        line = f"{key}{self.problem}" + (f" ({self.remedy})" if self.remedy else "")
        return harmless(line)


class ConfigError(SmsgwError):
    """The configuration cannot be used; says everything that is wrong with it, a line each."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))
        self.path = path
        self.faults = faults


_SectionT = TypeVar("_SectionT", bound=Section)


def find(explicit: str | None) -> Path:
    """Where the configuration is: *explicit*, $SMSGW_CONFIG, or the first of `PLACES`.

    Raises:
        SmsgwError: none was named and there is none in its usual places.
    """
    if named := explicit or os.environ.get("SMSGW_CONFIG"):
        return Path(named)
    doubts = []
    for place in PLACES:
        try:
            place.lstat()
        except PermissionError as error:  # in a folder that we may not enter, there is none
            doubts.append(f"; {place} cannot be seen ({error.strerror})")
            continue
        except OSError:
            continue
        doubt = None if place.is_absolute() else _doubt(place)
        if doubt is None:
            return place
        doubts.append(f"; {place} is not taken: {doubt}")
    raise SmsgwError(
        "there is no configuration at " + " or ".join(map(str, PLACES)) + "".join(doubts),
        "name one with -c or SMSGW_CONFIG; config.example.toml is a start",
    )


def _doubt(place: Path) -> str | None:
    """Why a configuration that only happens to be where we were called is not to be trusted.

    Somebody else's would have us open a database of his choice, as root perhaps.
    """
    trusted = {0, os.geteuid()}
    try:
        file, target, folder = place.lstat(), place.stat(), place.absolute().parent.stat()
    except OSError as error:
        return error.strerror or str(error)
    for owner in {file.st_uid, target.st_uid} - trusted:
        return f"it belongs to another user (uid {owner})"
    if target.st_mode & stat.S_IWOTH:
        return "everybody may write to it"
    # In a folder such as /tmp nobody can put another file in place of ours.
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        return "everybody may write to its folder"
    return None


class Portal(Enum):
    """What becomes of faults in [portal]."""

    IGNORED = "ignored"  #: the gateway serves without it: then there is no portal
    CHECKED = "checked"  #: where there is one
    REQUIRED = "required"  #: and there must be one


def load(
    path: Path,
    *,
    connecting: bool = True,
    beside_unit: bool = False,
    portal: Portal = Portal.IGNORED,
) -> Settings:
    """The settings that stand in the file *path*, with defaults for what does not.

    Args:
        connecting: whether the links will be used. If not, their passwords are left out and
            their files unread: whoever runs a command need not be allowed to read them, and a
            systemd credential is there only for the unit.
        beside_unit: a link without a password has it from the running service's credentials; where
            they cannot be read, it is `password_unseen`.
        portal: whether the portal is asked for, too.

    Raises:
        ConfigError: there are faults; it has all of them.
    """
    raw = _read(path)
    faults: list[Fault] = []
    context: dict[str, Any] = {"folder": path.absolute().parent, "connecting": connecting}
    if beside_unit and "CREDENTIALS_DIRECTORY" not in os.environ:
        context["unseen"] = set()

    def section(model: type[_SectionT], key: str, table: object) -> _SectionT | None:
        try:
            return model.model_validate(table, context=context)
        except ValidationError as err:
            faults.extend(_fault(key, detail, model) for detail in err.errors(include_url=False))
            return None

    faults += _unknown(raw)
    links = _links(raw.get("smsc", []), faults)
    smsc = [
        section(SmscSettings, key, table) for key, table in zip(_keys(links), links, strict=True)
    ]
    faults.extend(_doubles(links))

    # Some keys are checked against what other tables say, as far as that can be understood.
    context["region"] = _home(raw)
    context["password_length"] = _password_length(raw)
    context["alphabets"] = {
        key: Alphabet(table["default_alphabet"])
        for key, table in zip(_keys(links), links, strict=True)
        if table.get("default_alphabet") in list(Alphabet)
    }
    sections = {
        key: section(cast(type[Section], field.annotation), key, raw.get(key, {}))
        for key, field in Settings.model_fields.items()
        if key not in ("smsc", "portal")
    }
    if portal is Portal.REQUIRED or "portal" in raw:
        known = len(faults)
        sections["portal"] = section(PortalSettings, "portal", raw.get("portal", {}))
        if portal is Portal.IGNORED:
            del faults[known:]
    if faults:
        raise ConfigError(path, faults)
    return Settings.model_validate(sections | {"smsc": tuple(smsc)})


def _unknown(raw: Mapping[str, object]) -> Iterator[Fault]:
    for key in raw:
        if key not in Settings.model_fields:
            yield Fault(key, "is not known", _did_you_mean(key, Settings))


def _links(tables: object, faults: list[Fault]) -> list[dict[str, Any]]:
    """The tables of links, if they are tables; else what is wrong with them joins *faults*."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults.append(Fault("smsc", "must be a list of tables", "write [[smsc]]"))
        return []
    if not tables:
        faults.append(Fault("smsc", "there is no link", "add a table [[smsc]] for each carrier"))
    return tables


class Whereabouts(NamedTuple):
    """Where the daemon of a configuration is found."""

    files: Path  #: the database file, or where one would be
    control_socket: Path


def whereabouts(path: Path | None) -> Whereabouts:
    """What the file *path* says of it, whatever faults it has; None: what holds without a file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    table = _read(path).get("gateway") if path else None
    folder = path.absolute().parent if path else Path()

    def place(key: str, default: Path) -> Path:
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str) and value and "\0" not in value:
            return folder / value
        return default

    files = place("database", GatewaySettings.model_fields["database"].default)
    named = table.get("database") if isinstance(table, dict) else None
    if isinstance(named, str) and is_server(named):
        files = files_of_servers()
    return Whereabouts(files, place("control_socket", files.parent / "control.sock"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as err:
        problem = f"cannot be read: {err.strerror}"
        remedy = "name the configuration with -c or SMSGW_CONFIG, readable for the service user"
    except UnicodeDecodeError:
        problem, remedy = "is not UTF-8 text", "save it as UTF-8"
    except tomllib.TOMLDecodeError as err:
        problem, remedy = f"is not TOML: {err}", "see https://toml.io"
    raise ConfigError(path, [Fault("", problem, remedy)])


def _keys(links: list[dict[str, Any]]) -> list[str]:
    """What each [[smsc]] is called in faults: by its name, or else counted from 1."""
    names = [table.get("name") for table in links]
    return [
        f"smsc.{name}"
        if isinstance(name, str) and re.fullmatch(LINK_NAME, name) and names.count(name) == 1
        else f"smsc[{number}]"
        for number, name in enumerate(names, 1)
    ]


def _doubles(links: list[dict[str, Any]]) -> list[Fault]:
    names = [table.get("name") for table in links]
    return [
        Fault(f"smsc[{number}].name", f'"{name}" is the name of another [[smsc]] already')
        for number, name in enumerate(names, 1)
        if name is not None and name in names[: number - 1]
    ]


def _password_length(raw: dict[str, Any]) -> int:
    """The length of issued passwords, also when something else in its table is wrong."""
    table = raw.get("registration")
    length = table.get("password_length") if isinstance(table, dict) else None
    if type(length) is int and 8 <= length <= 16:
        return length
    default: int = RegistrationSettings.model_fields["password_length"].default
    return default


def _home(raw: dict[str, Any]) -> str:
    """The country of the gateway, also when something else in its table is wrong."""
    table = raw.get("gateway")
    region = table.get("region") if isinstance(table, dict) else None
    default: str = GatewaySettings.model_fields["region"].default
    return region if isinstance(region, str) else default


def _did_you_mean(key: str, model: type[BaseModel]) -> str | None:
    near = difflib.get_close_matches(key, model.model_fields, n=1)
    return f"did you mean {near[0]}?" if near else "known are " + ", ".join(model.model_fields)


def _fault(key: str, detail: ErrorDetails, model: type[BaseModel]) -> Fault:
    """One of pydantic's errors in our words; never with the value, which may be a secret."""
    field = ".".join(map(str, detail["loc"]))
    known = model.model_fields.get(field)
    description = known.description if known else None
    full = f"{key}.{field}" if field else key
    match detail["type"]:
        case "smsgw":
            return Fault(full, detail["ctx"]["problem"], detail["ctx"]["remedy"])
        case "extra_forbidden":
            return Fault(full, "is not known", _did_you_mean(field, model))
        case "model_type":
            return Fault(full, "must be a table", f"write [{key}]")
        case kind:
            # Such as "Input should be less than or equal to 16".
            message = re.sub("^[A-Z][a-z]+ should", "must", detail["msg"])
            return Fault(full, _PROBLEMS.get(kind, message), description)


_PROBLEMS = {
    "missing": "is missing",
    "string_pattern_mismatch": "is not allowed",
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
}


def warnings(settings: Settings, path: Path) -> list[str]:
    """What works but should be changed: secrets that others can read, clear text to strangers.

    Args:
        path: the file that *settings* came from.
    """
    secret_files = [path, settings.gateway.secret_key_file]
    for link in settings.smsc:
        secret_files += filter(None, (link.password_file, link.tls_key_file))
    found = []
    for file in dict.fromkeys(secret_files):
        try:
            mode = file.stat().st_mode
        except OSError:  # the key is made at first start; the rest was read a moment ago
            continue
        if mode & 0o007:
            found.append(f"{file} is open to every user of this machine: chmod o-rwx {file}")
    for link in settings.smsc:
        if not link.tls and _is_public(link.host):
            found.append(
                f"smsc.{link.name}: password and texts go to {link.host} in clear: "
                "set tls = true, or lead the link through a VPN"
            )
    return found


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:  # a name; only a look-up would tell
        return False
