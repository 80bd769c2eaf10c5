"""The configuration: what is taken, and everything that is refused, in one go."""

import os
import socket
import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smsgw import config
from smsgw.config import (
    BindType,
    ConfigError,
    Listen,
    LogFormat,
    LogLevel,
    SourceNumbers,
    WithoutStandby,
    format_duration,
    parse_duration,
)
from smsgw.config.sections import RegistrationSettings
from smsgw.errors import SmsgwError
from smsgw.registration.hours import ReminderHours
from smsgw.registration.machine import Repeat
from smsgw.smpp.alphabets import Alphabet

LINK = """
[[smsc]]
name = "mobi"
host = "127.0.0.1"
port = 2775
system_id = "smsgw"
"""
PASSWORD = 'password = "secret"\n'


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("SMSGW_CONFIG", raising=False)


@pytest.fixture
def load(tmp_path):
    def load(text, encoding="utf-8"):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding)
        return config.load(path)

    return load


@pytest.fixture
def faults(load, tmp_path):
    """The faults of a configuration as an operator reads them, less the file."""

    def faults(text, encoding="utf-8"):
        with pytest.raises(ConfigError) as caught:
            load(text, encoding)
        lines = str(caught.value).splitlines()
        assert len(lines) == len(caught.value.faults)
        file = f"{tmp_path / 'config.toml'}: "
        assert all(line.startswith(file) for line in lines)
        return [line.removeprefix(file) for line in lines]

    return faults


# --- what is taken ------------------------------------------------------------------------------


def test_defaults_of_everything(load):
    """A new key is asked for here: its default is a promise to who has a file without it."""
    settings = load(LINK + PASSWORD)
    link = settings.smsc[0]
    assert (
        "8188",
        Path("/var/lib/smsgw/smsgw.db"),
        ZoneInfo("Asia/Ho_Chi_Minh"),
        "VN",
        Path("/var/lib/smsgw/secret.key"),
        Path("/var/lib/smsgw/control.sock"),
        socket.gethostname(),
        timedelta(seconds=10),
        WithoutStandby.SERVE,
    ) == tuple(dict(settings.gateway).values())
    assert (
        timedelta(days=3),
        timedelta(minutes=1),
        8,
        2000,
        0,
        ReminderHours(7 * 60, 22 * 60),
        Repeat.REFUSE,
        False,
        3,
        8,
    ) == tuple(dict(settings.registration).values())
    assert settings.messages.phone_registered == settings.messages.already_registered
    assert (10, ("VN",), 0) == tuple(dict(settings.limits).values())
    assert {
        "name": "mobi",
        "carrier": "mobi",
        "source_numbers": SourceNumbers.ANY,
        "host": "127.0.0.1",
        "port": 2775,
        "system_id": "smsgw",
        "password_file": None,
        "password": link.password,
        "system_type": "",
        "bind": BindType.TRANSCEIVER,
        "tls": False,
        "tls_ca_file": None,
        "tls_cert_file": None,
        "tls_key_file": None,
        "tls_server_name": None,
        "tls_strict": True,
        "validity_period": True,
        "window": 10,
        "max_per_second": 0,
        "enquire_link_interval": timedelta(seconds=30),
        "response_timeout": timedelta(seconds=10),
        "reconnect_min": timedelta(seconds=1),
        "reconnect_max": timedelta(seconds=60),
        "default_alphabet": Alphabet.GSM7,
        "receipts": True,
        "source_ton": 3,
        "source_npi": 0,
    } == dict(link)
    assert "secret" == link.password.get_secret_value()
    assert settings.metrics.listen is None
    assert (LogLevel.INFO, LogFormat.CONSOLE) == tuple(dict(settings.log).values())
    year = timedelta(days=365)
    assert (timedelta(days=90), year, year, None) == tuple(dict(settings.retention).values())


def test_everything_can_be_set(load, tmp_path):
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    settings = load(
        """
        [gateway]
        shortcode = "9029"
        database = "data/x.db"
        timezone = "UTC"
        region = "SG"
        secret_key_file = "/run/key"
        control_socket = "/run/smsgw/s"
        [registration]
        password_ttl = "20s"
        tick_interval = "500ms"
        password_length = 12
        password_stock = 0
        max_reminders = 3
        reminder_hours = "00:00-24:00"
        repeat = "reset"
        check_personal_number = true
        undelivered_reminders = 0
        own_password_min = 64
        [messages]
        registered = "{0} {1}"
        syntax_error = "sai"
        already_registered = "co roi"
        phone_registered = "co phone"
        reminder = "{1} {0}"
        [limits]
        replies_per_phone_per_hour = 0
        countries = ["VN", "LA"]
        replies_per_hour = 9000
        [[smsc]]
        name = "a"
        carrier = "viettel"
        source_numbers = "national"
        host = "::1"
        port = 1
        system_id = "123456789012345"
        password = "12345678"
        system_type = "123456789012"
        bind = "receiver+transmitter"
        tls = true
        tls_ca_file = "ca.pem"
        tls_cert_file = "cert.pem"
        tls_key_file = "key.pem"
        tls_server_name = "smsc.example.vn"
        tls_strict = false
        validity_period = false
        window = 1
        max_per_second = 50
        enquire_link_interval = "1h"
        response_timeout = "2s"
        reconnect_min = "30s"
        reconnect_max = "30s"
        default_alphabet = "latin1"
        receipts = false
        source_ton = 6
        source_npi = 1
        [[smsc]]
        name = "b-2_x"
        host = "smsc.example.vn"
        port = 65535
        system_id = "x"
        password = ""
        [metrics]
        listen = "[::1]:9188"
        [log]
        level = "trace"
        format = "json"
        [retention]
        messages = "1d"
        closed_accounts = "30d"
        audit = "2d"
        """
    )
    assert tmp_path / "data/x.db" == settings.gateway.database  # paths start at the file's folder
    assert Path("/run/key") == settings.gateway.secret_key_file
    assert Path("/run/smsgw/s") == settings.gateway.control_socket
    assert ("VN", "LA") == settings.limits.countries
    assert ["viettel", "b-2_x"] == [link.carrier for link in settings.smsc]
    assert SourceNumbers.NATIONAL is settings.smsc[0].source_numbers
    assert ["a", "b-2_x"] == [link.name for link in settings.smsc]
    assert BindType.RECEIVER_TRANSMITTER is settings.smsc[0].bind
    assert tmp_path / "ca.pem" == settings.smsc[0].tls_ca_file
    assert Repeat.RESET is settings.registration.repeat
    assert "co phone" == settings.messages.phone_registered
    assert Listen("::1", 9188) == settings.metrics.listen


def test_phone_registered_follows_already_registered(load):
    settings = load('[messages]\nalready_registered = "co roi"\n' + LINK + PASSWORD)
    assert "co roi" == settings.messages.phone_registered


def test_secret_key_stands_beside_the_database(load):
    settings = load('[gateway]\ndatabase = "/srv/x/y.db"\n' + LINK + PASSWORD)
    assert Path("/srv/x/secret.key") == settings.gateway.secret_key_file


def test_control_socket_stands_beside_the_database(load):
    settings = load('[gateway]\ndatabase = "/srv/x/y.db"\n' + LINK + PASSWORD)
    assert Path("/srv/x/control.sock") == settings.gateway.control_socket


def test_the_gateways_own_country_is_answered_where_none_is_named(load):
    settings = load('[gateway]\nregion = "LA"\n' + LINK + PASSWORD)
    assert ("LA",) == settings.limits.countries


def test_all_countries_may_be_answered(load):
    assert ("*",) == load('[limits]\ncountries = ["*"]\n' + LINK + PASSWORD).limits.countries


def test_file_may_begin_with_a_byte_order_mark(load):
    assert "mobi" == load(LINK + PASSWORD, "utf-8-sig").smsc[0].name


def test_settings_cannot_be_changed(load):
    settings = load(LINK + PASSWORD)
    with pytest.raises(ValidationError):
        settings.gateway.shortcode = "1"
    with pytest.raises(ValidationError):
        settings.smsc[0].window = 2


# --- passwords of links -------------------------------------------------------------------------


def test_password_from_its_file(load, tmp_path):
    (tmp_path / "pw").write_text("from file\n"[5:])
    settings = load(LINK + 'password_file = "pw"\n')
    assert "file" == settings.smsc[0].password.get_secret_value()


def test_password_from_a_systemd_credential(load, tmp_path, monkeypatch):
    (tmp_path / "smsc-mobi").write_text("unit")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "unit" == load(LINK).smsc[0].password.get_secret_value()
    assert "unit" == load(LINK + PASSWORD).smsc[0].password.get_secret_value()


def test_credential_of_another_link_is_not_taken(faults, tmp_path, monkeypatch):
    (tmp_path / "smsc-viettel").write_text("unit")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    [fault] = faults(LINK)
    assert fault.startswith("smsc.mobi.password: is missing (")
    assert "credential smsc-mobi" in fault


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\nsecret", "is empty"),
        (b"\xff\xfe", "is not a text file"),
        (b"123456789\n", "has 9 characters, SMPP carries 8"),
        ("mậtkhẩu".encode(), "has other than printable ASCII characters"),
    ],
)
def test_password_file_that_cannot_be_used(faults, tmp_path, content, problem):
    (tmp_path / "pw").write_bytes(content)
    [fault] = faults(LINK + 'password_file = "pw"\n')
    assert fault.startswith("smsc.mobi.password: ")
    assert problem in fault


def test_commands_that_do_not_connect_need_no_secret_of_a_link(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        LINK + LINK.replace("mobi", "b") + 'password_file = "no"\ntls = true\n'
        'tls_key_file = "no"\ntls_cert_file = "no"\n'
    )
    settings = config.load(path, connecting=False)
    assert ["mobi", "b"] == [link.name for link in settings.smsc]
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert [
        "smsc.mobi.password",
        "smsc.b.password_file",
        "smsc.b.tls_cert_file",
        "smsc.b.tls_key_file",
    ] == [fault.key for fault in caught.value.faults]


def test_no_secret_is_ever_shown(load, faults):
    [fault] = faults(LINK + 'password = "Geheimnis-1"\n')
    assert "Geheimnis" not in fault
    [fault] = faults(LINK + "password = 20170523\n")
    assert "20170523" not in fault
    settings = load(LINK + 'password = "Geheim-2"\n')
    assert "Geheim" not in f"{settings!r} {settings} {settings.smsc[0].password}"


# --- what is refused ----------------------------------------------------------------------------

ELSEWHERE = {  # outside [[smsc]]: table, line, fault
    "number for a text": ("gateway", "shortcode = 8188", "must be a text in quotes"),
    "empty short code": ("gateway", 'shortcode = ""', "is not allowed"),
    "node with a blank": ("gateway", 'node = "b 1"', "is not allowed"),
    "node that is a number": ("gateway", "node = 1", "must be a text in quotes"),
    "lease of a blink": ("gateway", 'lease = "1s"', "must be 2s to 5m"),
    "lease of an hour": ("gateway", 'lease = "1h"', "must be 2s to 5m"),
    "third way without standby": ("gateway", 'without_standby = "hope"', "is not known"),
    "short code with a blank": ("gateway", 'shortcode = "81 88"', "is not allowed"),
    "empty path": ("gateway", 'database = ""', "is no path"),
    "path that is none": ("gateway", "database = true", "must be a text in quotes"),
    "path with NUL": ("gateway", r'secret_key_file = "\u0000"', "is no path"),
    "time zone": ("gateway", 'timezone = "Asia/Danang"', '"Asia/Danang" is no time zone'),
    "time zone that is a folder": ("gateway", 'timezone = "Asia"', "is no time zone"),
    "time zone outside": ("gateway", 'timezone = "../../etc/passwd"', "is no time zone"),
    "time zone empty": ("gateway", 'timezone = ""', "is no time zone"),
    "region": ("gateway", 'region = "ZZ"', '"ZZ" is no country'),
    "region in lower case": ("gateway", 'region = "vn"', "is no country"),
    "no such country": ("limits", 'countries = ["VN", "ZZ"]', '"ZZ" is no country'),
    "one country for a list": ("limits", 'countries = "VN"', "must be a list of texts"),
    "number for a country": ("limits", "countries = [84]", "must be a list of texts"),
    "no countries": ("limits", "countries = []", "names no country"),
    "all countries and one": ("limits", 'countries = ["*", "VN"]', "which is all"),
    "own passwords too short": ("registration", "own_password_min = 7", "greater than or equal"),
    "own passwords too long": ("registration", "own_password_min = 65", "less than or equal"),
    "duration without unit": ("registration", 'password_ttl = "3"', "is no duration"),
    "duration with a blank": ("registration", 'password_ttl = "3 d"', "is no duration"),
    "duration with a fraction": ("registration", 'password_ttl = "1.5d"', "is no duration"),
    "duration below nought": ("registration", 'password_ttl = "-3d"', "is no duration"),
    "duration with another unit": ("registration", 'password_ttl = "3w"', "is no duration"),
    "duration of nought": ("registration", 'tick_interval = "0s"', "is no time at all"),
    "endless duration": ("registration", 'password_ttl = "99999999999d"', "hundred years"),
    "number for a duration": ("registration", "password_ttl = 3", "must be a text in quotes"),
    "password too short": ("registration", "password_length = 7", "greater than or equal to 8"),
    "password too long": ("registration", "password_length = 17", "less than or equal to 16"),
    "text for a number": ("registration", 'password_length = "8"', "must be a whole number"),
    "truth for a number": ("registration", "max_reminders = true", "must be a whole number"),
    "fraction for a number": ("registration", "max_reminders = 1.0", "must be a whole number"),
    "fewer than no reminders": ("registration", "max_reminders = -1", "greater than or equal"),
    "fewer than no passwords": ("registration", "password_stock = -1", "greater than or equal"),
    "hours without end": ("registration", 'reminder_hours = "07:00"', "is not two times of day"),
    "hours that do not exist": ("registration", 'reminder_hours = "07:00-24:01"', "exist"),
    "minutes that do not exist": ("registration", 'reminder_hours = "07:60-22:00"', "exist"),
    "hours from midnight": ("registration", 'reminder_hours = "24:00-07:00"', "exist"),
    "hours that are none": ("registration", 'reminder_hours = "07:00-07:00"', "leaves no time"),
    "repeat": ("registration", 'repeat = "yes"', 'known (one of "refuse", "reset")'),
    "number for truth": ("registration", "check_personal_number = 1", "must be true or false"),
    "text for truth": ("registration", 'check_personal_number = "true"', "true or false"),
    "text too long": ("messages", f'syntax_error = "{"a" * 161}"', "has 161 septets"),
    "text with diacritics": ("messages", 'already_registered = "Số"', "'ố'"),
    "phone text too long": ("messages", f'phone_registered = "{"a" * 161}"', "has 161 septets"),
    "text without password": ("messages", 'registered = "TK: {0}"', "lacks {1}"),
    "text with a stray brace": ("messages", 'reminder = "{0} {1} }"', "brace"),
    "text with an unknown value": ("messages", 'reminder = "{0} {1} {2}"', "{2}"),
    "text that is none": ("messages", "reminder = 1", "must be a text in quotes"),
    "limit below nought": ("limits", "replies_per_phone_per_hour = -1", "greater than or equal"),
    "port alone": ("metrics", 'listen = "9188"', "is no address with a port"),
    "host alone": ("metrics", 'listen = "localhost"', "is no address with a port"),
    "port nought": ("metrics", 'listen = "localhost:0"', "is no address with a port"),
    "port too high": ("metrics", 'listen = "localhost:65536"', "is no address with a port"),
    "IPv6 without brackets": ("metrics", 'listen = "::1:9188"', "is no address with a port"),
    "log level": ("log", 'level = "verbose"', '"trace", "debug", "info", "warning", "error"'),
    "log level in capitals": ("log", 'level = "INFO"', "is not known"),
    "log format": ("log", 'format = "xml"', '"console", "json"'),
    "retention": ("retention", 'messages = "0d"', "is no time at all"),
    "unknown key": ("gateway", 'databse = "x"', "is not known (did you mean database?)"),
    "key of another table": ("log", 'listen = "x"', "is not known (known are level, format)"),
    "date for a text": ("gateway", "region = 2017-05-23", "must be a text in quotes"),
    "list for a text": ("log", "level = []", "must be a text in quotes"),
}


@pytest.mark.parametrize(("table", "line", "problem"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_wrong_value_is_refused_with_key_and_reason(faults, table, line, problem):
    [fault] = faults(f"[{table}]\n{line}\n{LINK}{PASSWORD}")
    assert fault.startswith(f"{table}.{line.split()[0]}: ")
    assert problem in fault


OF_A_LINK = {  # key: line, fault
    "port": ("port = 0", "greater than or equal to 1"),
    "port too high": ("port = 65536", "less than or equal to 65535"),
    "port as text": ('port = "2775"', "must be a whole number"),
    "host empty": ('host = ""', "is not allowed"),
    "host with brackets": ('host = "[::1]"', "is not allowed"),
    "host as address of a page": ('host = "smpp://x"', "is not allowed"),
    "system_id empty": ('system_id = ""', "must have at least 1 character"),
    "system_id too long": ('system_id = "1234567890123456"', "must have at most 15 characters"),
    "system_id not ASCII": ('system_id = "cổng"', "other than printable ASCII characters"),
    "system_type too long": ('system_type = "1234567890123"', "must have at most 12 characters"),
    "bind": ('bind = "both"', '"transceiver", "receiver+transmitter"'),
    "window": ("window = 0", "greater than or equal to 1"),
    "pace": ("max_per_second = -1", "greater than or equal to 0"),
    "pace with a fraction": ("max_per_second = 0.5", "must be a whole number"),
    "time-out of nought": ('response_timeout = "0s"', "is no time at all"),
    "alphabet": ('default_alphabet = "utf-8"', '"gsm7", "ascii", "latin1"'),
    "receipts": ('receipts = "no"', "must be true or false"),
    "TON": ("source_ton = 7", "less than or equal to 6"),
    "NPI": ("source_npi = 19", "less than or equal to 18"),
    "CA file without TLS": ('tls_ca_file = "config.toml"', "has no effect without TLS"),
    "certificate without TLS": ('tls_cert_file = "config.toml"', "has no effect without TLS"),
    "key without TLS": ('tls_key_file = "config.toml"', "has no effect without TLS"),
    "server name without TLS": ('tls_server_name = "x"', "has no effect without TLS"),
    "file that is not there": ('tls_ca_file = "no.pem"', "cannot be read: No such file"),
    "file that is a folder": ('tls_ca_file = "/"', "cannot be read: Is a directory"),
    "password_file not there": ('password_file = "no"', "cannot be read: No such file"),
    "password_file no path": ("password_file = 1", "must be a text in quotes"),
    "reconnect_max": ('reconnect_max = "500ms"', "500ms is below reconnect_min, 1s"),
    "unknown key": ("windows = 10", "is not known (did you mean window?)"),
}


@pytest.mark.parametrize(("line", "problem"), OF_A_LINK.values(), ids=OF_A_LINK)
def test_wrong_value_of_a_link_is_refused_with_key_and_reason(faults, line, problem):
    key = line.split()[0]
    lines = [each for each in (LINK + PASSWORD).splitlines() if each.split(" ")[0] != key]
    if key == "password_file":
        lines.remove(PASSWORD.strip())
    [fault] = faults("\n".join([*lines, line]))
    assert fault.startswith(f"smsc.mobi.{key}: ")
    assert problem in fault


@pytest.mark.parametrize("key", ["name", "host", "port", "system_id", "password"])
def test_what_a_link_needs(faults, key):
    lines = [each for each in (LINK + PASSWORD).splitlines() if each.split(" ")[0] != key]
    [fault] = faults("\n".join(lines))
    where = "smsc[1]" if key == "name" else "smsc.mobi"
    assert fault.startswith(f"{where}.{key}: is missing (")


def test_reconnect_min_above_the_default_of_reconnect_max(faults):
    [fault] = faults(LINK + PASSWORD + 'reconnect_min = "2m"')
    assert "smsc.mobi.reconnect_max: 1m is below reconnect_min, 2m" == fault


def test_key_of_a_certificate_needs_the_certificate(faults):
    [fault] = faults(LINK + PASSWORD + 'tls = true\ntls_key_file = "config.toml"')
    assert fault.startswith("smsc.mobi.tls_key_file: is of no use without a certificate")


def test_password_in_two_places(faults, tmp_path):
    (tmp_path / "pw").write_text("x")
    [fault] = faults(LINK + PASSWORD + 'password_file = "pw"')
    assert "smsc.mobi.password: stands beside password_file (keep one of the two)" == fault


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "ä", "a\\n", "x" * 33])
def test_link_name_that_cannot_be_a_name(faults, name):
    [fault] = faults((LINK + PASSWORD).replace("mobi", name))
    assert fault.startswith("smsc[1].name: is not allowed (")


def test_two_links_of_one_name(faults):
    [fault] = faults((LINK + PASSWORD) * 2)
    assert 'smsc[2].name: "mobi" is the name of another [[smsc]] already' == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "smsc: there is no link (add a table [[smsc]] for each carrier)"),
        ("smsc = 1", "smsc: must be a list of tables (write [[smsc]])"),
        ("[smsc]\nname = 'mobi'", "smsc: must be a list of tables (write [[smsc]])"),
        ("smsc = [1]", "smsc: must be a list of tables (write [[smsc]])"),
    ],
)
def test_at_least_one_link(faults, text, fault):
    assert [fault] == faults(text)


def test_table_that_is_none(faults):
    assert ["gateway: must be a table (write [gateway])"] == faults("gateway = 1" + LINK + PASSWORD)
    assert ["registration: must be a table (write [registration])"] == faults(
        "registration = []" + LINK + PASSWORD
    )


def test_unknown_table(faults):
    assert ["gatway: is not known (did you mean gateway?)"] == faults(
        "[gatway]\n" + LINK + PASSWORD
    )


def test_texts_are_measured_with_the_configured_password_length(faults):
    table = "[registration]\npassword_length = 9\nmax_reminders = -1\n"
    # The default is full with 8 characters, and another fault in the table hides nothing.
    assert [
        "registration.max_reminders: must be greater than or equal to 0",
        "messages.reminder: has 161 septets with 12 digits for {0} and 9 characters for {1}, "
        "one SMS holds 160 (shorten the text or registration.password_length)",
    ] == [fault.removesuffix(MAX_REMINDERS) for fault in faults(table + LINK + PASSWORD)]


MAX_REMINDERS = f" ({RegistrationSettings.model_fields['max_reminders'].description})"


def test_texts_can_be_written_in_the_alphabet_of_every_link(load, faults):
    table = '[messages]\nsyntax_error = "Sai cú phap: à"\n'.replace("ú", "ù")
    assert load(table + LINK + PASSWORD)
    assert load(table + LINK + PASSWORD + 'default_alphabet = "latin1"')
    fault = "messages.syntax_error: cannot be written in ascii, the default_alphabet of smsc.mobi"
    assert [fault] == (faults(table + LINK + PASSWORD + 'default_alphabet = "ascii"'))


def test_all_faults_in_one_go(faults):
    text = """
        surprise = 1
        [gateway]
        region = "ZZ"
        [registration]
        repeat = "yes"
        [messages]
        registered = "{"
        reminder = "x"
        [limits]
        x = 1
        [[smsc]]
        port = 0
        [[smsc]]
        name = "b"
        window = 0
        [metrics]
        listen = ""
        [log]
        level = ""
        [retention]
        messages = ""
    """
    assert [
        "surprise",
        "smsc[1].name",
        "smsc[1].host",
        "smsc[1].port",
        "smsc[1].system_id",
        "smsc[1].password",
        "smsc.b.host",
        "smsc.b.port",
        "smsc.b.system_id",
        "smsc.b.password",
        "smsc.b.window",
        "gateway.region",
        "registration.repeat",
        "messages.registered",
        "messages.reminder",
        "limits.x",
        "metrics.listen",
        "log.level",
        "retention.messages",
    ] == [fault.split(": ")[0] for fault in faults(text)]


def test_toml_fault_names_the_line(faults):
    [fault] = faults('[gateway]\nshortcode = "8188\n')
    assert fault.startswith("is not TOML: ")
    assert "line 2" in fault


def test_file_that_is_no_text(faults):
    [fault] = faults("# Đà Nẵng", "utf-16")
    assert "is not UTF-8 text (save it as UTF-8)" == fault


@pytest.mark.parametrize(
    ("path", "problem"), [("no.toml", "No such file or directory"), (".", "Is a directory")]
)
def test_file_that_cannot_be_read(tmp_path, path, problem):
    with pytest.raises(ConfigError, match=f"cannot be read: {problem}"):
        config.load(tmp_path / path)


def test_metrics_need_their_library(faults, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    [fault] = faults('[metrics]\nlisten = "127.0.0.1:9188"\n' + LINK + PASSWORD)
    assert fault.startswith("metrics.listen: needs the library prometheus-client (pip install")
    assert "smsgw[metrics]" in fault


toml_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_no_value_is_taken_or_refused_with_a_traceback(data):
    """Whatever stands at one key, there is a fault with that key, or settings."""
    tables = tomllib.loads(LINK + PASSWORD)
    model = data.draw(st.sampled_from(sorted(config.Settings.model_fields)))
    field = config.Settings.model_fields[model].annotation
    inner = {"smsc": config.SmscSettings, "portal": config.PortalSettings}.get(model, field)
    keys = inner.model_fields
    key = data.draw(st.sampled_from(sorted(keys)))
    value = data.draw(toml_values)
    table = tables["smsc"][0] if model == "smsc" else tables.setdefault(model, {})
    table[key] = value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.file, "_read", lambda path: tables)
        told, lines = [model], [model]
        try:
            config.load(Path("/nowhere/config.toml"), portal=config.Portal.CHECKED)
        except ConfigError as err:
            lines = str(err).splitlines()
            told = [fault.key.partition(".")[0].partition("[")[0] for fault in err.faults]
        assert {model} == set(told)
        assert len(told) == len(lines)


# --- durations and hours ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("90s", timedelta(seconds=90)),
        ("1m", timedelta(minutes=1)),
        ("36h", timedelta(days=1.5)),
        ("3d", timedelta(days=3)),
        ("007d", timedelta(days=7)),
    ],
)
def test_durations(text, duration):
    assert duration == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "d", "3", "3 d", " 3d", "3d\n", "3D", "-1d", "+1d", "٣d", "0d"]
)
def test_no_durations(text):
    with pytest.raises(ValueError, match=r"^is "):
        parse_duration(text)


@given(st.integers(1, 10**12), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_durations_are_written_as_they_are_read(count, unit):
    try:
        duration = parse_duration(f"{count}{unit}")
    except ValueError:
        return
    assert duration == parse_duration(format_duration(duration))


def test_durations_are_written_in_their_largest_unit():
    assert ["3d", "25h", "90s", "1m", "1500ms"] == [
        format_duration(parse_duration(text)) for text in ("72h", "25h", "90s", "60s", "1500ms")
    ]


HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def at(day, clock):
    hour, minute, second = map(int, clock.split(":"))
    return datetime(2026, 3, day, hour, minute, second, tzinfo=HANOI)


@pytest.mark.parametrize(
    ("hours", "clock", "allowed"),
    [
        ("07:00-22:00", "06:59:59", False),
        ("07:00-22:00", "07:00:00", True),
        ("07:00-22:00", "21:59:59", True),
        ("07:00-22:00", "22:00:00", False),
        ("00:00-24:00", "00:00:00", True),
        ("00:00-24:00", "23:59:59", True),
        ("22:00-06:30", "22:00:00", True),
        ("22:00-06:30", "00:00:00", True),
        ("22:00-06:30", "06:29:59", True),
        ("22:00-06:30", "06:30:00", False),
        ("22:00-06:30", "21:59:59", False),
    ],
)
def test_reminder_hours(hours, clock, allowed):
    assert allowed == ReminderHours.parse(hours).allows(at(2, clock))


@pytest.mark.parametrize(
    ("hours", "now", "start"),
    [
        ("07:00-22:00", at(2, "03:00:00"), at(2, "07:00:00")),
        ("07:00-22:00", at(2, "06:59:59"), at(2, "07:00:00")),
        ("07:00-22:00", at(2, "12:34:56"), at(2, "12:34:56")),
        ("07:00-22:00", at(2, "22:00:00"), at(3, "07:00:00")),
        ("07:00-22:00", at(31, "23:59:59"), datetime(2026, 4, 1, 7, tzinfo=HANOI)),
        ("22:00-06:30", at(2, "12:00:00"), at(2, "22:00:00")),
        ("22:00-06:30", at(2, "03:00:00"), at(2, "03:00:00")),
    ],
)
def test_what_falls_due_at_night_waits_for_the_morning(hours, now, start):
    assert start == ReminderHours.parse(hours).next_start(now)


times = st.builds(lambda minute: f"{minute // 60:02}:{minute % 60:02}", st.integers(0, 1439))


@given(times, times, st.datetimes(timezones=st.just(HANOI)).filter(lambda t: 2 < t.year < 9998))
def test_next_start_is_the_first_moment_that_is_allowed(start, end, now):
    if start == end:
        return
    hours = ReminderHours.parse(f"{start}-{end}")
    assert f"{start}-{end}" == str(hours)
    first = hours.next_start(now)
    assert hours.allows(first)
    assert now <= first < now + timedelta(days=1)
    if first != now:
        assert not hours.allows(first - timedelta(microseconds=1))


@pytest.mark.parametrize("text", ["127.0.0.1:9188", "[::1]:9188", "localhost:1"])
def test_addresses_are_written_as_they_are_read(text):
    assert text == str(Listen.parse(text))


# --- finding, warning ---------------------------------------------------------------------------


def test_configuration_is_looked_for_where_the_manual_says(tmp_path, monkeypatch):
    elsewhere = tmp_path / "etc.toml"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config.file, "PLACES", (Path("config.toml"), elsewhere))
    with pytest.raises(SmsgwError, match=r"there is no configuration at config\.toml or "):
        config.find(None)
    elsewhere.touch()
    assert elsewhere == config.find(None)
    (tmp_path / "config.toml").touch()
    assert Path("config.toml") == config.find(None)
    monkeypatch.setenv("SMSGW_CONFIG", "named.toml")
    assert Path("named.toml") == config.find(None)
    assert Path("explicit.toml") == config.find("explicit.toml")


@pytest.fixture
def lost(tmp_path, monkeypatch):
    """A folder to be called in, with a configuration in it, and the one in /etc."""
    (elsewhere := tmp_path / "etc.toml").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.toml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SMSGW_CONFIG", raising=False)
    monkeypatch.setattr(config.file, "PLACES", (Path("config.toml"), elsewhere))
    return folder, elsewhere


def test_configuration_of_another_user_in_the_folder_is_not_taken(lost, monkeypatch):
    folder, elsewhere = lost
    monkeypatch.setattr(os, "geteuid", lambda: (folder / "config.toml").stat().st_uid + 4711)
    if os.getuid() == 0:  # what is root's is taken by everybody
        os.chown(folder / "config.toml", 4712, 4712)
    assert elsewhere == config.find(None)
    elsewhere.unlink()
    with pytest.raises(SmsgwError, match=r"config\.toml is not taken: it belongs to another user"):
        config.find(None)


@pytest.mark.parametrize(("mode", "taken"), [(0o755, True), (0o777, False), (0o1777, True)])
def test_configuration_in_a_folder_of_everybody_is_taken_where_none_can_replace_it(
    lost, mode, taken
):
    folder, elsewhere = lost
    folder.chmod(mode)
    assert (Path("config.toml") if taken else elsewhere) == config.find(None)


def test_configuration_that_everybody_may_write_is_not_taken(lost):
    folder, elsewhere = lost
    (folder / "config.toml").chmod(0o666)
    assert elsewhere == config.find(None)


def test_configuration_in_a_folder_that_cannot_be_entered_is_none(lost, monkeypatch):
    _, elsewhere = lost
    look = Path.lstat

    def forbidden(path):
        if path == Path("config.toml"):
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "lstat", forbidden)
    assert elsewhere == config.find(None)


def test_usual_places():
    assert (Path("config.toml"), Path("/etc/smsgw/config.toml")) == config.file.PLACES


def test_secrets_that_others_can_read_are_warned_of_with_the_chmod(load, tmp_path):
    for name in ("pw", "ca.pem", "cert.pem", "key.pem", "secret.key"):
        (tmp_path / name).write_text("x")
    settings = load(
        f'[gateway]\ndatabase = "{tmp_path}/x.db"\n{LINK}password_file = "pw"\ntls = true\n'
        'tls_ca_file = "ca.pem"\ntls_cert_file = "cert.pem"\ntls_key_file = "key.pem"\n'
    )
    path = tmp_path / "config.toml"
    secrets = [tmp_path / n for n in ("config.toml", "secret.key", "pw", "key.pem")]
    for file in secrets:
        file.chmod(0o640)
    assert [] == config.warnings(settings, path)
    for file in secrets:
        file.chmod(0o644)
    warnings = config.warnings(settings, path)
    assert 4 == len(warnings)
    for file, warning in zip(secrets, warnings, strict=True):
        assert warning.startswith(f"{file} ")
        assert warning.endswith(f": chmod o-rwx {file}")


@pytest.mark.parametrize(
    ("host", "warned"), [("8.8.8.8", True), ("10.1.2.3", False), ("::1", False), ("x.vn", False)]
)
def test_clear_text_to_a_public_address_is_warned_of(load, tmp_path, host, warned):
    text = (LINK + PASSWORD).replace("127.0.0.1", host)
    path = tmp_path / "config.toml"
    settings = load(text)
    path.chmod(0o600)
    assert warned == any("in clear" in line for line in config.warnings(settings, path))
    settings = load(text + "tls = true\n")
    assert [] == config.warnings(settings, path)


# --- a server for a database --------------------------------------------------------------------


def with_database(address):
    return f'[gateway]\ndatabase = "{address}"\n' + LINK + PASSWORD


def test_database_may_be_a_server(load, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/srv/smsgw")
    settings = load(with_database("postgresql://smsgw:geheim@db1,db2:5433/smsgw"))
    assert "postgresql://smsgw@db1,db2:5433/smsgw" == str(settings.gateway.database)
    assert "geheim" == settings.gateway.database.password
    assert Path("/srv/smsgw/secret.key") == settings.gateway.secret_key_file
    assert Path("/srv/smsgw/control.sock") == settings.gateway.control_socket
    assert "geheim" not in repr(settings)


def test_password_of_the_database_comes_from_its_credential_first(load, tmp_path, monkeypatch):
    (tmp_path / "database_password").write_text("sehr geheim\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = load(with_database("postgresql://smsgw:geheim@db1/smsgw"))
    assert "sehr geheim" == settings.gateway.database.password


def test_address_of_a_database_that_is_none_is_not_quoted(faults):
    [fault] = faults(with_database("postgresql://smsgw:geheim@db1"))
    assert fault.startswith("gateway.database: names no database")
    assert "geheim" not in fault


def test_what_nodes_have_in_common_is_one_text_to_compare(load):
    common = config.common_digest(load(LINK + PASSWORD))
    own = f'[gateway]\nnode = "b"\n[log]\nlevel = "debug"\n{LINK}window = 3\n{PASSWORD}'
    assert common == config.common_digest(load(own))
    others = (
        LINK.replace("2775", "2776") + PASSWORD,
        f'{LINK}{PASSWORD}carrier = "vina"\n',
        f"{LINK}{PASSWORD}[limits]\nreplies_per_hour = 7\n",
        f'{LINK}{PASSWORD}[registration]\nreminder_hours = "08:00-22:00"\n',
        f'{LINK}{PASSWORD}[messages]\nsyntax_error = "Loi"\n',
    )
    assert 6 == len({common, *(config.common_digest(load(other)) for other in others)})
