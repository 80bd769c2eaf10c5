"""What a key accepts and how it refuses: the checks of which the sections are made.

Each looks at one field only, so that a fault in one does not hide those of the others. What they
know of the rest of the file comes in pydantic's context: `folder`, `connecting`, `region`,
`password_length`, `alphabets`.
"""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from socket import gethostname
from types import UnionType
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    JsonValue,
    PlainValidator,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from smsgw.config.credentials import credential, credential_of_unit
from smsgw.config.values import parse_duration
from smsgw.database import Database, Server, is_server

T = TypeVar("T")


def refuse(problem: str, remedy: str | None = None) -> PydanticCustomError:
    return PydanticCustomError("smsgw", "{problem}", {"problem": problem, "remedy": remedy})


def reads(
    kind: type | UnionType, parse: Callable[[str], object], how: str, *, secret: bool = False
) -> PlainValidator:
    """A value that stands in the file as a text, which *parse* reads or refuses (ValueError).

    Args:
        how: what would be right.
        secret: a fault does not quote it.
    """

    def read(value: object) -> object:
        if isinstance(value, kind) and not isinstance(value, str):
            return value
        if not isinstance(value, str):
            raise refuse("must be a text in quotes", how)
        try:
            return parse(value)
        except ValueError as err:
            raise refuse(str(err) if secret else f'"{value}" {err}', how) from None

    return PlainValidator(read)


def one_of(kind: type[StrEnum]) -> PlainValidator:
    def choose(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError("is not known") from None

    return reads(kind, choose, "one of " + ", ".join(f'"{member}"' for member in kind))


def time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("is no time zone") from None


def country(value: str) -> str:
    if value != "VN":
        import phonenumbers  # here: costs 50 ms, and hardly anyone needs it

        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise refuse(f'"{value}" is no country', 'two capital letters, such as "VN"')
    return value


#: Shorter ones would have a slow disk move a link; longer ones, citizens wait for it.
LEASE_LEAST, LEASE_MOST = timedelta(seconds=2), timedelta(minutes=5)


def length_of_lease(value: timedelta) -> timedelta:
    if not LEASE_LEAST <= value <= LEASE_MOST:
        raise refuse("must be 2s to 5m")
    return value


def node_name(value: object) -> str:
    """The name of this machine; None: the one that it has, whatever that is."""
    if value is None:
        return gethostname()
    if not isinstance(value, str):
        raise refuse("must be a text in quotes")
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,62}", value):
        raise refuse("is not allowed", "up to 63 letters, digits, dots, hyphens and underscores")
    return value


def list_of_countries(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Countries as TOML's list has them; none named: the gateway's own."""
    if value is None:
        return ((info.context or {}).get("region", "VN"),)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise refuse("must be a list of texts", 'such as ["VN", "LA"], or ["*"] for all')
    if not value:
        raise refuse("names no country: nobody would be answered", 'such as ["VN"]')
    if "*" in value:
        if len(value) > 1:
            raise refuse('has other countries beside "*", which is all', 'write ["*"]')
        return ("*",)
    return tuple(country(each) for each in value)


def with_prometheus(value: T) -> T:
    if importlib.util.find_spec("prometheus_client") is None:
        raise refuse("needs the library prometheus-client", "pip install 'smsgw[metrics]'")
    return value


def any_path(value: object, info: ValidationInfo) -> Path:
    """A path; one that is not absolute starts at the folder of the configuration."""
    if not isinstance(value, str | Path):
        raise refuse("must be a text in quotes", "a path")
    if not str(value) or "\0" in str(value):
        raise refuse("is no path")
    return Path((info.context or {}).get("folder", ""), value)


def any_database(value: object, info: ValidationInfo) -> Database:
    """A path, or the address of a server; its password from a systemd credential, where the unit
    passes one."""
    if not isinstance(value, str) or not is_server(value):
        return value if isinstance(value, Server) else any_path(value, info)
    try:
        server = Server.parse(value)
    except ValueError as err:  # never with the address, in which a password may stand
        raise refuse(str(err), "postgresql://USER@HOST[:PORT],HOST.../NAME") from None
    if importlib.util.find_spec("psycopg") is None:
        raise refuse("needs the library psycopg", "pip install 'smsgw[postgres]'")
    path = credential("database_password") or credential_of_unit("database_password")
    if path is None:
        return server
    try:
        password = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise refuse(f"{path} cannot be read", REMEDY_UNREADABLE) from None
    return replace(server, password=password)


REMEDY_UNREADABLE = "give it to the service user with mode 0400"


def will_connect(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get("connecting", True))


def readable(path: Path, info: ValidationInfo) -> Path:
    try:
        if will_connect(info):
            path.open("rb").close()
    except OSError as err:
        raise refuse(f"{path} cannot be read: {err.strerror}", REMEDY_UNREADABLE) from None
    return path


def ascii_only(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise refuse("has other than printable ASCII characters", "SMPP carries no others")
    return value


Duration = Annotated[
    timedelta,
    reads(timedelta, parse_duration, 'a whole number with ms, s, m, h or d, such as "90s"'),
]
AnyDatabase = Annotated[Database, PlainValidator(any_database)]
AnyPath = Annotated[Path, PlainValidator(any_path)]
ReadableFile = Annotated[Path, PlainValidator(any_path), AfterValidator(readable)]
Ascii = Annotated[str, AfterValidator(ascii_only)]


#: `json_schema_extra` of a key that a running daemon does not take over.
AT_START: dict[str, JsonValue] = {"restart": True}


class Section(BaseModel):
    """A table of the file."""

    # strict: "10" is no number, and true is none either.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
