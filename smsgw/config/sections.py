"""The sections of the configuration: every key with its type, default and meaning.

`description` of a field is its line in the reference (docs/configuration.md) and in
config.example.toml. `[[smsc]]` stands in `smsc.py`, `[portal]` in `portal.py`.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo, field_validator

from smsgw.config.checks import (
    AT_START,
    AnyDatabase,
    AnyPath,
    Duration,
    Section,
    country,
    length_of_lease,
    list_of_countries,
    node_name,
    one_of,
    reads,
    refuse,
    time_zone,
    with_prometheus,
)
from smsgw.config.portal import PortalSettings
from smsgw.config.smsc import SmscSettings
from smsgw.config.values import Listen, LogFormat, LogLevel, Url, WithoutStandby
from smsgw.database import files_of
from smsgw.model import Reply
from smsgw.registration import replies
from smsgw.registration.hours import ReminderHours
from smsgw.registration.machine import Repeat


class GatewaySettings(Section):
    """The gateway as a whole."""

    shortcode: str = Field(
        default="8188",
        pattern="^[0-9A-Za-z]{1,20}$",
        description="where citizens text; source address of every reply",
    )
    database: AnyDatabase = Field(
        default=Path("/var/lib/smsgw/smsgw.db"),
        description="SQLite file, made with mode 0600; "
        "this path, like all, starts at this file's folder unless it is absolute. Or a PostgreSQL "
        "database, postgresql://USER@HOST[:PORT],HOST.../NAME?...: its password comes from the "
        "systemd credential database_password, else from the address, else from PGPASSFILE, and "
        "what lies beside a file lies in /var/lib/smsgw",
        json_schema_extra=AT_START,
    )
    timezone: Annotated[
        ZoneInfo, reads(ZoneInfo, time_zone, 'a name such as "Asia/Ho_Chi_Minh"')
    ] = Field(
        default=ZoneInfo("Asia/Ho_Chi_Minh"), description="for schedules and what people read"
    )
    region: Annotated[str, AfterValidator(country)] = Field(
        default="VN", description="country of numbers without a country code"
    )
    secret_key_file: AnyPath = Field(
        examples=["/var/lib/smsgw/secret.key"],
        default=None,
        validate_default=True,
        description="key that encrypts passwords waiting in the outbox; made at first start with "
        "mode 0600 (default: secret.key beside the database; "
        "$CREDENTIALS_DIRECTORY/secret_key wins)",
        json_schema_extra=AT_START,
    )

    control_socket: AnyPath = Field(
        examples=["/var/lib/smsgw/control.sock"],
        default=None,
        validate_default=True,
        description="local socket by which commands reach the daemon: root and the service's user "
        "alone (default: control.sock beside the database)",
        json_schema_extra=AT_START,
    )

    node: Annotated[str, PlainValidator(node_name)] = Field(
        examples=["smsgw1"],
        default=None,
        validate_default=True,
        description="name of this machine among several on one PostgreSQL database: in `links`, "
        "`status` and `links move`; no other may have it (default: the host's name)",
        json_schema_extra=AT_START,
    )
    lease: Annotated[Duration, AfterValidator(length_of_lease)] = Field(
        default=timedelta(seconds=10),
        description="several machines: how long a link stays with a node that is silent before "
        "another one takes it, 2s to 5m",
        json_schema_extra=AT_START,
    )
    without_standby: Annotated[WithoutStandby, one_of(WithoutStandby)] = Field(
        default=WithoutStandby.SERVE,
        description='where a PostgreSQL database has no synchronous standby: "serve" all the '
        'same, and say so in `status`, or "wait": no text is taken until there is one',
    )

    @field_validator("secret_key_file", "control_socket", mode="wrap")
    @classmethod
    def _beside_the_database(
        cls, value: object, validate: Callable[[object], Path], info: ValidationInfo
    ) -> Path:
        if value is None:
            name = {"secret_key_file": "secret.key", "control_socket": "control.sock"}
            folder = files_of(info.data.get("database", Path())).parent
            return folder / name[str(info.field_name)]
        return validate(value)

    @property
    def files(self) -> Path:
        """The path beside which the gateway's own files lie: the database file, or where one would
        be."""
        return files_of(self.database)


class RegistrationSettings(Section):
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
        default=2000,
        ge=0,
        description="issued passwords hashed ahead, in memory only",
        json_schema_extra=AT_START,
    )
    max_reminders: int = Field(
        default=0,
        ge=0,
        description="after so many the password is deleted and not replaced; 0: never",
    )
    reminder_hours: Annotated[
        ReminderHours,
        reads(ReminderHours, ReminderHours.parse, '"07:00-22:00"; "00:00-24:00" is always'),
    ] = Field(
        default=ReminderHours.parse("07:00-22:00"),
        description="local time in which passwords are replaced and reminders leave; "
        'what falls due at night waits for the morning ("00:00-24:00": always)',
    )
    repeat: Annotated[Repeat, one_of(Repeat)] = Field(
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
        description="after so many texts in a row that the carrier could not deliver, the password "
        "is deleted and not replaced until the citizen texts again; 0: never",
    )
    own_password_min: int = Field(
        default=8,
        ge=8,
        le=64,
        description="characters of the shortest password that a citizen may choose, 8 to 64",
    )


class MessagesSettings(Section):
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
            raise refuse(*fault)
        for link, alphabet in context.get("alphabets", {}).items():
            if not replies.can_be_written(value, alphabet):
                raise refuse(f"cannot be written in {alphabet}, the default_alphabet of {link}")
        return value


class LimitsSettings(Section):
    """Against machines that answer machines."""

    replies_per_phone_per_hour: int = Field(
        default=10,
        ge=0,
        description="answers to one phone; past it a text is recorded and not answered, and beyond "
        "100 texts in the hour only counted; 0: no limit",
    )
    countries: Annotated[tuple[str, ...], PlainValidator(list_of_countries)] = Field(
        examples=[["VN"]],
        default=None,
        validate_default=True,
        description="countries whose numbers are answered, in two capital letters each; "
        'premium-rate and toll-free numbers never are (default: gateway.region alone; ["*"]: all)',
    )
    replies_per_hour: int = Field(
        default=0,
        ge=0,
        description="answers to texts, for the whole gateway; past it texts are recorded and not "
        "answered, and `status` says so; 0: no limit",
    )


class MetricsSettings(Section):
    """What monitoring may ask."""

    listen: (
        Annotated[
            Listen,
            reads(Listen, Listen.parse, 'such as "127.0.0.1:9188" or "[::1]:9188"'),
            AfterValidator(with_prometheus),
        ]
        | None
    ) = Field(
        examples=["127.0.0.1:9188"],
        default=None,
        description='"127.0.0.1:9188" serves /metrics (Prometheus) and /healthz there',
        json_schema_extra=AT_START,
    )


class HeartbeatSettings(Section):
    """Who is told that the gateway lives, and rings when nobody tells it."""

    url: (
        Annotated[
            Url,
            reads(Url, Url.parse, 'such as "https://hc.example.org/ping/0f2c…"', secret=True),
        ]
        | None
    ) = Field(
        examples=["https://hc.example.org/ping/0f2c"],
        default=None,
        description="asked once a minute while the gateway lives and its database takes what it "
        "writes, whatever its links do; a service elsewhere that rings when nobody asks notices "
        "that the whole machine is gone",
    )


class LogSettings(Section):
    """What the daemon says; never a password, never a whole CMND."""

    level: Annotated[LogLevel, one_of(LogLevel)] = Field(
        default=LogLevel.INFO,
        description='"trace" (the wire too, without passwords and texts), "debug", "info", '
        '"warning" or "error"',
    )
    format: Annotated[LogFormat, one_of(LogFormat)] = Field(
        default=LogFormat.CONSOLE, description='"console" or "json"'
    )


class RetentionSettings(Section):
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
    unused_accounts: Duration | None = Field(
        default=None,
        examples=["180d"],
        description="accounts that were never active are closed this long after their "
        "registration: a citizen who never chose a password has no account any more then, and "
        "can register again by text (left out: never)",
    )


class Settings(Section):
    """The whole configuration."""

    gateway: GatewaySettings
    registration: RegistrationSettings
    messages: MessagesSettings
    limits: LimitsSettings
    smsc: tuple[SmscSettings, ...]
    metrics: MetricsSettings
    heartbeat: HeartbeatSettings
    log: LogSettings
    retention: RetentionSettings
    #: None: there is none, or it has faults, which concern `smsgw portal` alone.
    portal: PortalSettings | None = None
