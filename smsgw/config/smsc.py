"""`[[smsc]]`: one link to a carrier. Its password comes from one of three places."""

from datetime import timedelta
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from smsgw.config.checks import (
    REMEDY_UNREADABLE,
    Ascii,
    Duration,
    ReadableFile,
    Section,
    ascii_only,
    credential,
    one_of,
    refuse,
    will_connect,
)
from smsgw.config.values import BindType, SourceNumbers, format_duration
from smsgw.smpp.alphabets import Alphabet

T = TypeVar("T")

LINK_NAME = "^[A-Za-z0-9_-]{1,32}$"


class SmscSettings(Section):
    """One link to a carrier; several carriers, several tables."""

    name: str = Field(
        examples=["viettel"],
        pattern=LINK_NAME,
        description="what the link is called in logs and commands: letters, digits, - and _",
    )
    carrier: str = Field(
        examples=["viettel"],
        default=None,
        validate_default=True,
        pattern=LINK_NAME,
        description="links of one carrier stand in for one another (default: the link's name)",
    )
    source_numbers: Annotated[SourceNumbers, one_of(SourceNumbers)] = Field(
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
    bind: Annotated[BindType, one_of(BindType)] = Field(
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
    default_alphabet: Annotated[Alphabet, one_of(Alphabet)] = Field(
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
        if not will_connect(info):
            return SecretStr("")
        file = credential(f"smsc-{info.data['name']}") if "name" in info.data else None
        if file is None:
            if "password_file" not in info.data:
                return SecretStr("")  # its fault is told already
            file = info.data["password_file"]
            if file and value is not None:
                raise refuse("stands beside password_file", "keep one of the two")
        if file is None:
            if value is None:
                raise refuse(
                    "is missing",
                    f"write password or password_file, "
                    f"or pass the credential smsc-{info.data.get('name', 'NAME')} in the unit",
                )
            if not isinstance(value, str | SecretStr):
                raise refuse("must be a text in quotes")
            return value if isinstance(value, SecretStr) else SecretStr(value)
        try:
            lines = file.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            raise refuse(f"{file} is not a text file", "the password on the first line") from None
        except OSError as err:
            problem = f"{file} cannot be read: {err.strerror}"
            raise refuse(problem, REMEDY_UNREADABLE) from None
        if not lines or not lines[0]:
            raise refuse(f"{file} is empty", "the password on the first line")
        return SecretStr(lines[0])

    @field_validator("password")
    @classmethod
    def _fits_the_bind(cls, value: SecretStr) -> SecretStr:
        ascii_only(value.get_secret_value())
        if len(value) > 8:
            raise refuse(f"has {len(value)} characters, SMPP carries 8 (v3.4 §4.1.1)")
        return value

    @field_validator("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name")
    @classmethod
    def _only_with_tls(cls, value: T | None, info: ValidationInfo) -> T | None:
        if value is not None and info.data.get("tls") is False:
            raise refuse("has no effect without TLS", "add tls = true")
        if (
            value is not None
            and info.field_name == "tls_key_file"
            and info.data.get("tls_cert_file", value) is None
        ):
            raise refuse("is of no use without a certificate", "add tls_cert_file")
        return value

    @field_validator("reconnect_max")
    @classmethod
    def _not_below_reconnect_min(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        least = info.data.get("reconnect_min", value)
        if value < least:
            raise refuse(
                f"{format_duration(value)} is below reconnect_min, {format_duration(least)}"
            )
        return value
