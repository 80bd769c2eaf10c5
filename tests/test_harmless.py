"""One answer to what is harmless, wherever a stranger's text is read."""

import io
import json
import logging

import pytest

from smsgw import logs
from smsgw.config import Fault
from smsgw.harmless import csv_cell, escaped, harmless, harmless_json, masked
from tests.budget import BUDGET_MS, cost_ms

STEERS = {
    "escape": "\x1b[2J",
    "C1 introducer": "\x9b2J",
    "next line of C1": "\x85",
    "right to left": "\u202e",
    "line separator": "\u2028",
    "bell": "\x07",
    "invisible": "\u200b",
    "tag of plane 14": "\U000e0041",
    "half a pair": "\udc80",
}


def harmful(text):
    return [char for char in text if not char.isprintable()]


@pytest.mark.parametrize("text", STEERS.values(), ids=STEERS)
@pytest.mark.parametrize("way", [harmless, escaped, csv_cell, lambda t: str(Fault("key", t))])
def test_nothing_of_it_steers_a_terminal(way, text):
    assert [] == harmful(way(f"a{text}b"))


@pytest.mark.parametrize("text", STEERS.values(), ids=STEERS)
def test_json_keeps_the_true_text_and_is_harmless(text):
    document = harmless_json(json.dumps({"text": text}, ensure_ascii=False))
    assert [] == harmful(document)
    assert {"text": text} == json.loads(document)


def logged(format, say):
    stream = io.StringIO()
    message, arguments = say
    record = logging.LogRecord("smsgw.links", logging.WARNING, "", 0, message, arguments, None)
    formatter = logs._JsonFormatter() if format == "json" else logs._Formatter()
    stream.write(formatter.format(record))
    return stream.getvalue()


@pytest.mark.parametrize("format", logs.FORMATS)
@pytest.mark.parametrize("text", STEERS.values(), ids=STEERS)
def test_a_peer_steers_nobody_who_reads_the_log(format, text):
    assert [] == harmful(logged(format, ("link refused reason=%s", (text,))))


@pytest.mark.parametrize("format", logs.FORMATS)
def test_what_an_exception_quotes_is_no_line_of_the_log(format):
    try:
        raise ValueError("no\nCRITICAL links all is lost \x9b2J")
    except ValueError as error:
        fault = (type(error), error, error.__traceback__)
    record = logging.LogRecord("smsgw.links", logging.ERROR, "", 0, "failed", (), fault)
    line = (logs._JsonFormatter() if format == "json" else logs._Formatter()).format(record)
    assert [] == harmful(line.replace("\n", ""))
    assert not any(each.startswith("CRITICAL") for each in line.splitlines())


def test_a_long_text_of_separators_costs_little():
    text = ("; " * 8000 + "\t\n" * 8000 + " " * 16000)[:32000]
    assert cost_ms(lambda: csv_cell(text)) < BUDGET_MS


@pytest.mark.parametrize(
    ("number", "shown"), [("201234567", "*****567"), ("+84905123456", "*****456"), ("123", "*****")]
)
def test_a_masked_number_keeps_its_last_three_digits(number, shown):
    assert shown == masked(number)
