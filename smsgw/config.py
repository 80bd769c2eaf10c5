"""TOML file -> frozen settings, or every fault in it at once.

Knows the keys, their defaults and what is wrong with a value; reads the file and the password
files that it names, and opens nothing else. `description` of a field is its line in the
reference (docs/configuration.md) and in config.example.toml.
"""

import difflib
import importlib.util
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Callable
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar, cast
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from smsgw.errors import SmsgwError
from smsgw.harmless import harmless
from smsgw.model import Reply
from smsgw.registration import replies
from smsgw.registration.machine import Repeat
from smsgw.smpp.alphabets import Alphabet

T = TypeVar("T")

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


# --- values -------------------------------------------------------------------------------------

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_500)  # so that no due time leaves the calendar


def parse_duration(text: str) -> timedelta:
    """A whole number above 0 with a unit, such as "500ms", "10s", "1m", "12h" or "3d".

    Raises:
        ValueError: *text* is none; says why.
    """
    match = re.fullmatch("([0-9]{1,18})(ms|[smhd])", text)
    if not match:
        raise ValueError("is no duration")
    try:
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        duration = timedelta.max
    if not duration:
        raise ValueError("is no time at all")
    if duration > _LONGEST:
        raise ValueError("is longer than a hundred years")
    return duration


def format_duration(duration: timedelta) -> str:
    """*duration*, of whole milliseconds, as `parse_duration` reads it, in its largest unit."""
    units = [(unit, timedelta(**{name: 1})) for unit, name in _UNITS.items()]
    unit, length = next((unit, length) for unit, length in units[::-1] if not duration % length)
    return f"{duration // length}{unit}"


class ReminderHours(NamedTuple):
    """The part of each day, in local time, in which citizens may be reminded."""

    start: int  #: minutes since midnight
    end: int  #: minutes since midnight; below *start*: the part goes on past midnight

    @classmethod
    def parse(cls, text: str) -> Self:
        """`07:00-22:00` and the like; raises ValueError."""
        match = re.fullmatch("([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", text)
        if not match:
            raise ValueError("is not two times of day")
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if max(minute, end_minute) > 59 or start >= 24 * 60 or end > 24 * 60:
            raise ValueError("has a time of day that does not exist")
        if start == end:
            raise ValueError("leaves no time")
        return cls(start, end)

    def allows(self, local: datetime) -> bool:
        """Whether citizens may be reminded at *local*, a moment in local time."""
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def next_start(self, local: datetime) -> datetime:
        """The first moment from *local* on at which they may be."""
        if self.allows(local):
            return local
        # Not allowed means: before today's start, or after today's end and so before tomorrow's.
        day = local.date()
        if local.hour * 60 + local.minute >= self.start:
            day += timedelta(days=1)
        return datetime.combine(day, time(*divmod(self.start, 60)), local.tzinfo)

    def __str__(self) -> str:
        return "{:02}:{:02}-{:02}:{:02}".format(*divmod(self.start, 60), *divmod(self.end, 60))


class Listen(NamedTuple):
    """Where a server of ours listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`127.0.0.1:9188` or `[::1]:9188`; raises ValueError."""
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s\[\]:/]+)):([0-9]{1,5})", text)
        if not match or not 1 <= int(match[3]) <= 65535:
            raise ValueError("is no address with a port")
        return cls(match[1] or match[2], int(match[3]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class BindType(StrEnum):
    TRANSCEIVER = "transceiver"
    RECEIVER_TRANSMITTER = "receiver+transmitter"  #: two sessions


class SourceNumbers(StrEnum):
    """How a carrier writes the numbers of citizens."""

    ANY = "any"
    NATIONAL = "national"  #: without a country code, whatever their TON says


class LogLevel(StrEnum):
    TRACE = "trace"  #: also what goes over the wire, without passwords and texts
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


# What validators raise and accept. Each looks at one field only, so that a fault in one does not
# hide those of the others.


def _refuse(problem: str, remedy: str | None = None) -> PydanticCustomError:
    return PydanticCustomError("smsgw", "{problem}", {"problem": problem, "remedy": remedy})


def _reads(kind: type[T], parse: Callable[[str], T], how: str) -> PlainValidator:
    """A value that stands in the file as a text, which *parse* reads or refuses (ValueError)."""

    def read(value: object) -> T:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise _refuse("must be a text in quotes", how)
        try:
            return parse(value)
        except ValueError as err:
            raise _refuse(f'"{value}" {err}', how) from None

    return PlainValidator(read)


def _one_of(kind: type[StrEnum]) -> PlainValidator:
    def choose(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError("is not known") from None

    return _reads(kind, choose, "one of " + ", ".join(f'"{member}"' for member in kind))


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("is no time zone") from None


def _region(value: str) -> str:
    if value != "VN":
        import phonenumbers  # here: costs 50 ms, and hardly anyone needs it

        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise _refuse(f'"{value}" is no country', 'two capital letters, such as "VN"')
    return value


def _countries(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Countries as TOML's list has them; none named: the gateway's own."""
    if value is None:
        return ((info.context or {}).get("region", "VN"),)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise _refuse("must be a list of texts", 'such as ["VN", "LA"], or ["*"] for all')
    if not value:
        raise _refuse("names no country: nobody would be answered", 'such as ["VN"]')
    if "*" in value:
        if len(value) > 1:
            raise _refuse('has other countries beside "*", which is all', 'write ["*"]')
        return ("*",)
    return tuple(_region(country) for country in value)


def _with_prometheus(value: T) -> T:
    if importlib.util.find_spec("prometheus_client") is None:
        raise _refuse("needs the library prometheus-client", "pip install 'smsgw[metrics]'")
    return value


def _path(value: object, info: ValidationInfo) -> Path:
    """A path; one that is not absolute starts at the folder of the configuration."""
    if not isinstance(value, str | Path):
        raise _refuse("must be a text in quotes", "a path")
    if not str(value) or "\0" in str(value):
        raise _refuse("is no path")
    return Path((info.context or {}).get("folder", ""), value)


_REMEDY_UNREADABLE = "give it to the service user with mode 0400"


def _will_connect(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get("connecting", True))


def _readable(path: Path, info: ValidationInfo) -> Path:
    try:
        if _will_connect(info):
            path.open("rb").close()
    except OSError as err:
        raise _refuse(f"{path} cannot be read: {err.strerror}", _REMEDY_UNREADABLE) from None
    return path


def _ascii(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise _refuse("has other than printable ASCII characters", "SMPP carries no others")
    return value


Duration = Annotated[
    timedelta,
    _reads(timedelta, parse_duration, 'a whole number with ms, s, m, h or d, such as "90s"'),
]
AnyPath = Annotated[Path, PlainValidator(_path)]
ReadableFile = Annotated[Path, PlainValidator(_path), AfterValidator(_readable)]
Ascii = Annotated[str, AfterValidator(_ascii)]


# --- sections -----------------------------------------------------------------------------------


class _Section(BaseModel):
    # strict: "10" is no number, and true is none either.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class GatewaySettings(_Section):
    """The gateway as a whole."""

    shortcode: str = Field(
        default="8188",
        pattern="^[0-9A-Za-z]{1,20}$",
        description="where citizens text; source address of every reply",
    )
    database: AnyPath = Field(
        default=Path("/var/lib/smsgw/smsgw.db"),
        description="SQLite file, made with mode 0600; "
        "this path, like all, starts at this file's folder unless it is absolute",
    )
    timezone: Annotated[
        ZoneInfo, _reads(ZoneInfo, _timezone, 'a name such as "Asia/Ho_Chi_Minh"')
    ] = Field(
        default=ZoneInfo("Asia/Ho_Chi_Minh"), description="for schedules and what people read"
    )
    region: Annotated[str, AfterValidator(_region)] = Field(
        default="VN", description="country of numbers without a country code"
    )
    secret_key_file: AnyPath = Field(
        examples=["/var/lib/smsgw/secret.key"],
        default=None,
        validate_default=True,
        description="key that encrypts passwords waiting in the outbox; made at first start with "
        "mode 0600 (default: secret.key beside the database; "
        "$CREDENTIALS_DIRECTORY/secret_key wins)",
    )

    control_socket: AnyPath = Field(
        examples=["/var/lib/smsgw/control.sock"],
        default=None,
        validate_default=True,
        description="local socket by which commands reach the daemon: root and the service's user "
        "alone (default: control.sock beside the database)",
    )

    @field_validator("secret_key_file", "control_socket", mode="wrap")
    @classmethod
    def _beside_the_database(
        cls, value: object, validate: Callable[[object], Path], info: ValidationInfo
    ) -> Path:
        if value is None:
            name = {"secret_key_file": "secret.key", "control_socket": "control.sock"}
            return Path(info.data.get("database", "")).parent / name[str(info.field_name)]
        return validate(value)


class RegistrationSettings(_Section):
    """What citizens may do, and what becomes of their passwords."""

    password_ttl: Duration = Field(
        default=timedelta(days=3),
        description="an issued password that was not changed is replaced after this time",
    )
    tick_interval: Duration = Field(
        default=timedelta(minutes=1), description="how often expired passwords are looked for"
    )
    password_length: int = Field(
        default=8, ge=8, le=16, description="characters of an issued password, 8 to 16"
    )
    password_stock: int = Field(
        default=2000, ge=0, description="issued passwords hashed ahead, in memory only"
    )
    max_reminders: int = Field(
        default=0,
        ge=0,
        description="0: no end; else after so many the password is deleted and not replaced",
    )
    reminder_hours: Annotated[
        ReminderHours,
        _reads(ReminderHours, ReminderHours.parse, '"07:00-22:00"; "00:00-24:00" is always'),
    ] = Field(
        default=ReminderHours.parse("07:00-22:00"),
        description="local time in which passwords are replaced and reminders leave; "
        'what falls due at night waits for the morning ("00:00-24:00": always)',
    )
    repeat: Annotated[Repeat, _one_of(Repeat)] = Field(
        default=Repeat.REFUSE,
        description='what becomes of a citizen who registers again: "refuse", or "reset": a new '
        "password where phone, CMND and date of birth are the account's own, at most 3 a day",
    )
    check_personal_number: bool = Field(
        default=False,
        description="refuse, as a syntax error, a 12-digit number whose digits 4 to 6 (century "
        "and sex, year) contradict the date of birth",
    )
    undelivered_reminders: int = Field(
        default=3,
        ge=0,
        description="0: no end; else after so many texts in a row that the carrier could not "
        "deliver the password is deleted and not replaced, until the citizen texts again",
    )
    own_password_min: int = Field(
        default=8,
        ge=8,
        le=64,
        description="characters of the shortest password that a citizen may choose, 8 to 64",
    )


class MessagesSettings(_Section):
    """The texts that citizens get: {0} is the user name, {1} the password."""

    registered: str = Field(
        default="TK: {0}, MK: {1} la tai khoan su dung HT Chinh quyen dien tu. De nghi anh chi "
        "doi mat khau trong vong 03 ngay de bao mat. Cam on!",
        validate_default=True,
        description="an account was made, or has a new password; needs {0} and {1}",
    )
    syntax_error: str = Field(
        default="Loi. Tin nhan sai cu phap. Cu phap dung la: TK,Ho va ten,soCMND,nn.tt.nnnn "
        "(ngay thang nam sinh)",
        validate_default=True,
        description="anything that is not a valid registration",
    )
    already_registered: str = Field(
        default="So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu",
        validate_default=True,
        description="the CMND already has an account",
    )
    phone_registered: str = Field(
        examples=[
            "So dien thoai da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"
        ],
        default=None,
        validate_default=True,
        description="the phone already has an account, the CMND has none "
        "(default: as already_registered)",
    )
    reminder: str = Field(
        default="Mat khau cu da het han. TK: {0}, MK moi: {1} la tai khoan su dung HT Chinh quyen "
        "dien tu. De nghi anh chi doi mat khau trong vong 03 ngay. Cam on!",
        validate_default=True,
        description="an issued password was replaced; needs {0} and {1}",
    )

    @field_validator("phone_registered", mode="before")
    @classmethod
    def _as_already_registered(cls, value: object, info: ValidationInfo) -> object:
        if value is None:  # a fault of already_registered is told once, there
            return info.data.get("already_registered", " .")
        return value

    @field_validator("*")
    @classmethod
    def _fits_one_sms(cls, value: str, info: ValidationInfo) -> str:
        context = info.context or {}
        length = context.get("password_length", 8)
        if fault := replies.fault(Reply(str(info.field_name)), value, length):
            raise _refuse(*fault)
        for link, alphabet in context.get("alphabets", {}).items():
            if not replies.can_be_written(value, alphabet):
                raise _refuse(f"cannot be written in {alphabet}, the default_alphabet of {link}")
        return value


class LimitsSettings(_Section):
    """Against machines that answer machines."""

    replies_per_phone_per_hour: int = Field(
        default=10,
        ge=0,
        description="0: no limit; past it the message is recorded and not answered, and beyond "
        "100 texts in the hour only counted",
    )
    countries: Annotated[tuple[str, ...], PlainValidator(_countries)] = Field(
        examples=[["VN"]],
        default=None,
        validate_default=True,
        description="countries whose numbers are answered, in two capital letters each; "
        'premium-rate and toll-free numbers never are (default: gateway.region alone; ["*"]: all)',
    )
    replies_per_hour: int = Field(
        default=0,
        ge=0,
        description="answers to texts, for the whole gateway; 0: no limit; past it messages are "
        "recorded and not answered, and `status` says so",
    )


_LINK_NAME = "^[A-Za-z0-9_-]{1,32}$"


class SmscSettings(_Section):
    """One link to a carrier; several carriers, several tables."""

    name: str = Field(
        examples=["viettel"],
        pattern=_LINK_NAME,
        description="what the link is called in logs and commands: letters, digits, - and _",
    )
    carrier: str = Field(
        examples=["viettel"],
        default=None,
        validate_default=True,
        pattern=_LINK_NAME,
        description="links of one carrier stand in for one another (default: the link's name)",
    )
    source_numbers: Annotated[SourceNumbers, _one_of(SourceNumbers)] = Field(
        default=SourceNumbers.ANY,
        description='"national": this carrier writes national numbers with TON 1 '
        "(SMPP v3.4 §5.2.5)",
    )
    host: str = Field(
        examples=["smsc.example.vn"],
        pattern=r"^[^\s\[\]/]+$",
        description="name or address (IPv4, or IPv6 without brackets)",
    )
    port: int = Field(examples=[2775], ge=1, le=65535, description="TCP port")
    # Lengths: SMPP v3.4 §4.1.1, less the closing NUL.
    system_id: Ascii = Field(
        examples=["smsgw"],
        min_length=1,
        max_length=15,
        description="who we are to the carrier, up to 15 characters",
    )
    password_file: ReadableFile | None = Field(
        examples=["/etc/smsgw/viettel.password"],
        default=None,
        description="file with the password on its first line, instead of password",
    )
    password: SecretStr = Field(
        examples=["secret"],
        default=None,
        validate_default=True,
        description="up to 8 characters; a systemd credential named smsc-NAME wins over both",
    )
    system_type: Ascii = Field(
        default="", max_length=12, description="what the carrier asks for here, if anything"
    )
    bind: Annotated[BindType, _one_of(BindType)] = Field(
        default=BindType.TRANSCEIVER,
        description='"transceiver" or "receiver+transmitter" (two sessions)',
    )
    tls: bool = Field(default=False, description="the server's certificate is always verified")
    tls_ca_file: ReadableFile | None = Field(
        examples=["/etc/smsgw/viettel-ca.pem"],
        default=None,
        description="PEM file of the authorities to trust (default: the system's)",
    )
    tls_cert_file: ReadableFile | None = Field(
        examples=["/etc/smsgw/smsgw.pem"],
        default=None,
        description="PEM file of our certificate, if the carrier wants one",
    )
    tls_key_file: ReadableFile | None = Field(
        examples=["/etc/smsgw/smsgw.key"],
        default=None,
        description="PEM file of its key, if that is not in tls_cert_file",
    )
    tls_server_name: str | None = Field(
        examples=["smsc.example.vn"],
        default=None,
        min_length=1,
        description="name in the server's certificate (default: host)",
    )
    tls_strict: bool = Field(
        default=True,
        description="false: certificates that break RFC 5280's letter are taken, such as one "
        "without an authority key identifier; name and chain are still verified",
    )
    validity_period: bool = Field(
        default=True,
        description="tell the SMSC until when a text is worth sending; false for one that refuses "
        "such texts",
    )
    window: int = Field(default=10, ge=1, description="submit_sm awaiting their answer, at most")
    max_per_second: int = Field(default=0, ge=0, description="pace of texts sent; 0: no limit")
    enquire_link_interval: Duration = Field(
        default=timedelta(seconds=30), description="silence after which the line is tested"
    )
    response_timeout: Duration = Field(
        default=timedelta(seconds=10), description="an answer that takes longer does not come"
    )
    reconnect_min: Duration = Field(
        default=timedelta(seconds=1), description="first wait before the next connection"
    )
    reconnect_max: Duration = Field(
        examples=["60s"],
        default=timedelta(seconds=60),
        validate_default=True,
        description="longest wait before the next connection",
    )
    default_alphabet: Annotated[Alphabet, _one_of(Alphabet)] = Field(
        default=Alphabet.GSM7,
        description='what data_coding 0 means there: "gsm7", "ascii" or "latin1"',
    )
    receipts: bool = Field(default=True, description="ask for delivery receipts")
    source_ton: int = Field(
        default=3,
        ge=0,
        le=6,
        description="type of number of the short code as source (SMPP v3.4 §5.2.5)",
    )
    source_npi: int = Field(
        default=0,
        ge=0,
        le=18,
        description="numbering plan of the short code as source (SMPP v3.4 §5.2.6)",
    )

    @field_validator("carrier", mode="before")
    @classmethod
    def _as_the_link(cls, value: object, info: ValidationInfo) -> object:
        # A fault of the name is told once, there.
        return info.data.get("name", "x") if value is None else value

    @field_validator("password", mode="before")
    @classmethod
    def _from_its_source(cls, value: object, info: ValidationInfo) -> object:
        """The password itself, whichever of its three places has it."""
        if not _will_connect(info):
            return SecretStr("")
        file = credential(f"smsc-{info.data['name']}") if "name" in info.data else None
        if file is None:
            if "password_file" not in info.data:
                return SecretStr("")  # its fault is told already
            file = info.data["password_file"]
            if file and value is not None:
                raise _refuse("stands beside password_file", "keep one of the two")
        if file is None:
            if value is None:
                raise _refuse(
                    "is missing",
                    f"write password or password_file, "
                    f"or pass the credential smsc-{info.data.get('name', 'NAME')} in the unit",
                )
            if not isinstance(value, str | SecretStr):
                raise _refuse("must be a text in quotes")
            return value if isinstance(value, SecretStr) else SecretStr(value)
        try:
            lines = file.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            raise _refuse(f"{file} is not a text file", "the password on the first line") from None
        except OSError as err:
            problem = f"{file} cannot be read: {err.strerror}"
            raise _refuse(problem, _REMEDY_UNREADABLE) from None
        if not lines or not lines[0]:
            raise _refuse(f"{file} is empty", "the password on the first line")
        return SecretStr(lines[0])

    @field_validator("password")
    @classmethod
    def _fits_the_bind(cls, value: SecretStr) -> SecretStr:
        _ascii(value.get_secret_value())
        if len(value) > 8:
            raise _refuse(f"has {len(value)} characters, SMPP carries 8 (v3.4 §4.1.1)")
        return value

    @field_validator("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name")
    @classmethod
    def _only_with_tls(cls, value: T | None, info: ValidationInfo) -> T | None:
        if value is not None and info.data.get("tls") is False:
            raise _refuse("has no effect without TLS", "add tls = true")
        if (
            value is not None
            and info.field_name == "tls_key_file"
            and info.data.get("tls_cert_file", value) is None
        ):
            raise _refuse("is of no use without a certificate", "add tls_cert_file")
        return value

    @field_validator("reconnect_max")
    @classmethod
    def _not_below_reconnect_min(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        least = info.data.get("reconnect_min", value)
        if value < least:
            raise _refuse(
                f"{format_duration(value)} is below reconnect_min, {format_duration(least)}"
            )
        return value


class MetricsSettings(_Section):
    """What monitoring may ask."""

    listen: (
        Annotated[
            Listen,
            _reads(Listen, Listen.parse, 'such as "127.0.0.1:9188" or "[::1]:9188"'),
            AfterValidator(_with_prometheus),
        ]
        | None
    ) = Field(
        examples=["127.0.0.1:9188"],
        default=None,
        description='"127.0.0.1:9188" serves /metrics (Prometheus) and /healthz there',
    )


class LogSettings(_Section):
    """What the daemon says; never a password, never a whole CMND."""

    level: Annotated[LogLevel, _one_of(LogLevel)] = Field(
        default=LogLevel.INFO,
        description='"trace" (the wire too, without passwords and texts), "debug", "info", '
        '"warning" or "error"',
    )
    format: Annotated[LogFormat, _one_of(LogFormat)] = Field(
        default=LogFormat.CONSOLE, description='"console" or "json"'
    )


class RetentionSettings(_Section):
    """What `purge` and the daily job remove."""

    messages: Duration = Field(
        default=timedelta(days=90), description="texts, this long after they came or went"
    )
    closed_accounts: Duration = Field(
        default=timedelta(days=365), description="closed accounts, this long after their end"
    )
    audit: Duration = Field(
        default=timedelta(days=365),
        description="who looked up or changed what at the command line, this long after it",
    )


class Settings(_Section):
    """The whole configuration."""

    gateway: GatewaySettings
    registration: RegistrationSettings
    messages: MessagesSettings
    limits: LimitsSettings
    smsc: tuple[SmscSettings, ...]
    metrics: MetricsSettings
    log: LogSettings
    retention: RetentionSettings


_SectionT = TypeVar("_SectionT", bound=_Section)


# --- the file -----------------------------------------------------------------------------------


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


def load(path: Path, *, connecting: bool = True) -> Settings:
    """The settings that stand in the file *path*, with defaults for what does not.

    Args:
        connecting: whether the links will be used. If not, their passwords are left out and
            their files unread: whoever runs a command need not be allowed to read them, and a
            systemd credential is there only for the unit.

    Raises:
        ConfigError: there are faults; it has all of them.
    """
    raw = _read(path)
    faults: list[Fault] = []
    context: dict[str, Any] = {"folder": path.absolute().parent, "connecting": connecting}

    def section(model: type[_SectionT], key: str, table: object) -> _SectionT | None:
        try:
            return model.model_validate(table, context=context)
        except ValidationError as err:
            faults.extend(_fault(key, detail, model) for detail in err.errors(include_url=False))
            return None

    faults += (
        Fault(key, "is not known", _did_you_mean(key, Settings))
        for key in raw
        if key not in Settings.model_fields
    )

    links = raw.get("smsc", [])
    if not isinstance(links, list) or not all(isinstance(table, dict) for table in links):
        faults.append(Fault("smsc", "must be a list of tables", "write [[smsc]]"))
        links = []
    elif not links:
        faults.append(Fault("smsc", "there is no link", "add a table [[smsc]] for each carrier"))
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
        key: section(cast(type[_Section], field.annotation), key, raw.get(key, {}))
        for key, field in Settings.model_fields.items()
        if key != "smsc"
    }
    if faults:
        raise ConfigError(path, faults)
    return Settings.model_validate(sections | {"smsc": tuple(smsc)})


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
        if isinstance(name, str) and re.fullmatch(_LINK_NAME, name) and names.count(name) == 1
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


def credential(name: str) -> Path | None:
    """The systemd credential *name*, if the unit passes it. See systemd.exec(5)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, name) if folder else None
    return path if path and path.exists() else None


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
