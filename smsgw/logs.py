"""How we log: one line for each thing that happened, with keys and without secrets.

Loggers are the standard ones (`logging.getLogger("smsgw.links")`), messages are written as
`log.info("mo link=%s outcome=%s ms=%d", …)`. Every line passes `redact` on its way out, with its
arguments and its traceback. No password and no whole CMND or telephone number gets out, not even
when a library logs it or an exception quotes it.
"""

import json
import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from textwrap import indent
from types import TracebackType
from typing import TextIO

from smsgw import tuning
from smsgw.harmless import escaped, harmless_json
from smsgw.systemd_notify import is_journal

log = logging.getLogger("smsgw")

TRACE = 5
LEVELS = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("console", "json")

MASK = "********"
_SECRET = re.compile(
    r"""
      (?P<label> \bMK\b [^:=\n]{0,8} : \s* | password ["']? \s* [:=] \s* )
      (?: " [^"]* " | ' [^']* ' | \S+ )
    | (?P<hash> \$argon2\w* \$ [^\s"']+ )
    | \b smsc_id= (?P<id> \S+ )
    | \d{6,} (?P<tail> \d{3} )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d{9}")
# In any country's writing with its code, or as at home.
_PHONE = re.compile(r"(?<!\d) (?: \+ \d{6,} | 84\d{6,8} | 0\d{6,7} ) (\d{3}) (?!\d)", re.VERBOSE)
# What logging puts on every record; everything else was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LINE_END, _INDENT = "\n", "  "
_PLACEHOLDER = re.compile(r"(?:(\w+)=)?%(?:%|[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")
#: sd-daemon(3): the journal reads the priority of a line from its first characters.
_SYSLOG = {logging.CRITICAL: "<2>", logging.ERROR: "<3>", logging.WARNING: "<4>"}


def redact(text: str) -> str:
    """*text* without secrets.

    Runs of nine or more digits keep their last three (`*****567`); what follows `MK:` or
    `password=`, and argon2 hashes, are masked. The id that an SMSC gave a text (`smsc_id=`) stays,
    since the carrier knows the text by it, but not where it looks like a telephone number.
    """
    lower = text.lower()
    # Most lines hold none, and to look for words costs a tenth of what the expression does.
    if "mk" in lower or "password" in lower or "$argon2" in lower or _LONG_NUMBER.search(text):
        return _SECRET.sub(_mask, text)
    return text


def _mask(found: re.Match[str]) -> str:
    if id_ := found["id"]:
        return f"smsc_id={_PHONE.sub(_mask_number, id_)}"
    if tail := found["tail"]:
        return f"*****{tail}"
    return f"{found['label'] or ''}{MASK}"


def _mask_number(found: re.Match[str]) -> str:
    return f"*****{found[1]}"


class _Formatter(logging.Formatter):
    """Time in UTC, level, logger and message, then what was given as `extra`; redacted."""

    def __init__(self, journal: bool = False) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        line = record.getMessage()
        for key, value in _extra(record).items():
            line = f"{line} {key}={value}"
        line = escaped(line)  # a line is a line: what a peer sent cannot start a second one
        if record.exc_info:
            # Indented, since what an exception quotes could look like a line of ours.
            line = f"{line}\n{indent(escaped(_traceback(record), keep=_LINE_END), _INDENT)}"
        name = record.name.removeprefix("smsgw.")
        line = redact(f"{record.levelname} {name} {line}")
        return line if self._journal else f"{_time(record)} {line}"


class _ForJournal(logging.Formatter):
    """What *formatter* makes, each line with its priority: the journal takes lines one by one."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        priority = _SYSLOG.get(record.levelno, "<6>" if record.levelno >= logging.INFO else "<7>")
        line = priority + self._formatter.format(record)
        return line.replace(_LINE_END, _LINE_END + priority)


class _JsonFormatter(logging.Formatter):
    """One JSON object a line; the keys of the message stand beside it, as values."""

    def format(self, record: logging.LogRecord) -> str:
        message = redact(record.getMessage())
        fields: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        for key, value in (_arguments(record) | _extra(record)).items():
            fields.setdefault(key, _plain_id(value) if key == "smsc_id" else _plain(value))
        if record.exc_info:
            fields["exception"] = redact(_traceback(record))
        return harmless_json(json.dumps(fields, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _traceback(record: logging.LogRecord) -> str:
    assert record.exc_info  # noqa: S101 - both callers looked
    return "".join(traceback.format_exception(*record.exc_info)).rstrip()


def _extra(record: logging.LogRecord) -> dict[str, object]:
    if vars(record).keys() <= _STANDARD:
        return {}
    return {
        key: MASK if "password" in key.lower() else value
        for key, value in vars(record).items()
        if key not in _STANDARD
    }


def _arguments(record: logging.LogRecord) -> dict[str, object]:
    """The arguments that the message names: `link=%s` with "viettel" gives {"link": "viettel"}."""
    if not isinstance(record.args, tuple) or not isinstance(record.msg, str):
        return {}
    named = zip(_names(record.msg), record.args, strict=False)
    return {name: MASK if "password" in name else value for name, value in named if name}


@lru_cache(maxsize=256)
def _names(template: str) -> tuple[str, ...]:
    found = _PLACEHOLDER.finditer(template)
    return tuple(match[1] or "" for match in found if not match[0].endswith("%%"))


def _plain(value: object) -> object:
    """*value* as JSON knows it; a number that could be a CMND becomes a redacted text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 10**8:
        return value
    return redact(str(value))


def _plain_id(value: object) -> str:
    """An SMSC's id as `redact` shows it in a line."""
    label = "smsc_id="
    return redact(f"{label}{value}").removeprefix(label)


def configure(level: str, format: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process to standard error, redacted.

    Uncaught exceptions and warnings become log lines too. Called again, it replaces what stood.

    Args:
        level: a key of `LEVELS`.
        format: "console" or "json"; console lines bring the time, unless the journal does.
        stream: where to, instead of standard error.
    """
    logging.addLevelName(TRACE, "TRACE")
    tuning.log_without_callers()
    handler = logging.StreamHandler(stream or sys.stderr)
    journal = stream is None and is_journal(sys.stderr)
    formatter = _JsonFormatter() if format == "json" else _Formatter(journal)
    handler.setFormatter(_ForJournal(formatter) if journal else formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # Its DEBUG lines are hex dumps of every PDU, with the bind password in them.
    logging.getLogger("smpplib").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(
        args.exc_type, args.exc_value, args.exc_traceback
    )


def _log_uncaught(
    kind: type[BaseException],
    error: BaseException | None,
    where: TracebackType | None,
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("uncaught exception", exc_info=(kind, error or kind(), where))
