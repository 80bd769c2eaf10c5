"""The log says what happened, one line each, and never a secret."""

import io
import json
import logging
import sys
import threading

import pytest

from smsgw import logs

SECRETS = {
    "CMND": ("cmnd=%s", "201234567"),
    "12-digit number": ("cmnd=%s", "048090123456"),
    "phone": ("phone=%s", "+84905123456"),
    "phone as a number": ("phone=%d", 84905123456),
    "reply text": ("text=%r", "TK: 201234567, MK: k7mzq4wp la tai khoan su dung"),
    "reminder text": ("text=%r", "TK: 201234567, MK moi: k7mzq4wp la tai khoan"),
    "password key": ("%s", "password=k7mzq4wp"),
    "password in a mapping": ("%s", {"password": "k7mzq4wp and more"}),
    "password in TOML": ("%s", 'password = "k7mzq4wp"'),
    "hash": ("%s", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$k7mzq4wp"),
}
HIDDEN = ("201234567", "048090123456", "84905123456", "k7mzq4wp")


@pytest.fixture
def log_to(monkeypatch):
    """Configure logging onto a fresh stream, and put everything back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    source, smpplib = logging._srcfile, logging.getLogger("smpplib").level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    for flag in ("logThreads", "logProcesses", "logMultiprocessing"):
        monkeypatch.setattr(logging, flag, True)

    def configure(format="console", level="info"):
        stream = io.StringIO()
        logs.configure(level, format, stream)
        return stream

    yield configure
    logging._srcfile = source
    logging.captureWarnings(False)
    logging.getLogger("smpplib").setLevel(smpplib)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def log():
    return logging.getLogger("smsgw.links")


def leaked(line):
    return [secret for secret in HIDDEN if secret in line]


@pytest.mark.parametrize("format", logs.FORMATS)
@pytest.mark.parametrize(("message", "secret"), SECRETS.values(), ids=SECRETS)
def test_no_secret_leaves_in_arguments_exceptions_or_extra(log_to, log, format, message, secret):
    stream = log_to(format)
    log.info(message, secret)
    log.info(f"inline {secret}")  # noqa: G004  a careless line is what is tested
    log.info("with extra", extra={"about": secret, "password": "k7mzq4wp"})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    assert [] == leaked(stream.getvalue())
    assert "failed" in stream.getvalue()


def test_last_three_digits_stay_so_that_the_hotline_can_match(log_to, log):
    stream = log_to()
    log.info("mo phone=%s", "+84905123456")
    assert stream.getvalue().endswith("mo phone=+*****456\n")


ORDINARY = {
    "address": "link viettel: 192.168.100.200:2775 refused",
    "status": "ESME_RTHROTTLED (0x00000058)",
    "configuration key": "smsc.mobi.password_file: /etc/smsgw/mobi cannot be read",
    "counts": "expired replaced=500 ms=12345678",
    "timestamp": "next try 2026-11-23T16:35:00.123456+00:00",
}


@pytest.mark.parametrize("line", ORDINARY.values(), ids=ORDINARY)
def test_what_is_no_secret_is_left_alone(line):
    assert line == logs.redact(line)


SMSC_IDS = {
    "hexadecimal": ("7F3A00112233", "7F3A00112233"),
    "ten decimals": ("1234567890", "1234567890"),
    "the time of day": ("20261126210000123", "20261126210000123"),
    "the citizen's number": ("84905123456", "*****456"),
    "the citizen's number and more": ("0905123456-1", "*****456-1"),
}


@pytest.mark.parametrize("format", logs.FORMATS)
@pytest.mark.parametrize(("smsc_id", "shown"), SMSC_IDS.values(), ids=SMSC_IDS)
def test_id_of_the_smsc_stays_whole_unless_it_is_a_telephone_number(
    log_to, log, format, smsc_id, shown
):
    stream = log_to(format)
    log.info("mt mt=%d smsc_id=%s", 18, smsc_id)
    line = stream.getvalue()
    assert f"smsc_id={shown}" in line
    if format == "json":
        assert shown == json.loads(line)["smsc_id"]


def test_console_line_has_time_level_logger_and_keys(log_to, log):
    stream = log_to()
    log.warning("mo link=%s outcome=%s ms=%d", "viettel", "registered", 4, extra={"batch": 3})
    time, rest = stream.getvalue().split(" ", 1)
    assert time.endswith("Z")
    assert "WARNING links mo link=viettel outcome=registered ms=4 batch=3\n" == rest


def test_json_line_has_the_named_arguments_as_keys(log_to, log):
    stream = log_to("json")
    log.info("mo link=%s took %d%% ms=%.1f", "viettel", 90, 4.25, extra={"batch": 3})
    line = json.loads(stream.getvalue())
    assert "mo link=viettel took 90% ms=4.2" == line["message"]
    assert ("info", "smsgw.links", "viettel", 4.25, 3) == tuple(
        line[key] for key in ("level", "logger", "link", "ms", "batch")
    )


def test_peer_cannot_write_a_line_of_its_own(log_to, log):
    stream = log_to()
    log.info("link refused reason=%s", "no\nCRITICAL links all is lost\r")
    assert 1 == len(stream.getvalue().splitlines())


def test_smpplib_keeps_its_hex_dumps_to_itself(log_to):
    stream = log_to(level="trace")
    logging.getLogger("smpplib.client").debug(">>bind_transceiver 73656372 (4 bytes)")
    assert "" == stream.getvalue()


def test_trace_is_a_level_below_debug(log_to, log):
    stream = log_to(level="trace")
    log.log(logs.TRACE, "deliver_sm sequence=%d", 7)
    assert "TRACE links deliver_sm sequence=7" in stream.getvalue()


def test_uncaught_exception_is_logged_and_redacted(log_to):
    stream = log_to()
    thread = threading.Thread(target=int, args=("MK: k7mzq4wp",))
    thread.start()
    thread.join()
    assert "CRITICAL smsgw uncaught exception" in stream.getvalue()
    assert [] == leaked(stream.getvalue())


def test_lines_for_the_journal_carry_their_priority_and_no_time(log_to, log, monkeypatch, capsys):
    monkeypatch.setattr(logs, "is_journal", lambda _: True)
    log_to()
    logs.configure("info", "console")
    log.error("disk full")
    log.info("bound")
    assert [
        "<3>ERROR links disk full",
        "<6>INFO links bound",
    ] == capsys.readouterr().err.splitlines()
    logs.configure("info", "json")
    log.warning("lost")
    (line,) = capsys.readouterr().err.splitlines()
    assert ("<4>", "lost") == (line[:3], json.loads(line[3:])["message"])


def test_each_line_of_a_traceback_has_its_priority_in_the_journal(log, monkeypatch, capsys):
    monkeypatch.setattr(logs, "is_journal", lambda _: True)
    logs.configure("info", "console")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("failed")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert {"<3>"} == {line[:3] for line in lines}
