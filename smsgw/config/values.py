"""What stands in a configuration file as a text: durations, places to listen, and choices.

Knows how each is written and read. No file, no key.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import urlsplit

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


@dataclass(frozen=True, slots=True)
class Url:
    """A page that is asked for. Only its host is shown, since the rest may be a secret."""

    tls: bool
    host: str
    port: int
    authority: str = field(repr=False)  #: host, and port where it stands there
    target: str = field(repr=False)  #: path and query

    @classmethod
    def parse(cls, text: str) -> Self:
        """`https://hc.example.org/ping/…` or `http://…`; raises ValueError, without quoting it."""
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("has a character that stands in no URL")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("does not begin with https:// or http:// and a host")
        if "@" in parts.netloc:
            raise ValueError("has a user name in it, which is not sent")
        tls = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(tls, parts.hostname, port or (443 if tls else 80), parts.netloc, target)

    def __str__(self) -> str:
        return f"at {self.host}"


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


class WithoutStandby(StrEnum):
    """What becomes of texts while no synchronous standby is seen."""

    SERVE = "serve"  #: they are taken: a failover may lose them
    WAIT = "wait"  #: the SMSC is asked to send them again


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"
