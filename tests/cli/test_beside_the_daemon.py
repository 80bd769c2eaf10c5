"""The hotline's commands in their own processes, beside a running daemon and a carrier."""

import json
import secrets
import signal
import time
from typing import Any

import pytest

from smsgw.cli.tools import Tools

PHONE = "84905123456"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


def rows(result):
    assert 0 == result.returncode, result.stderr
    return json.loads(result.stdout)


def test_the_hotline_at_work(smsc, config_file, daemon, smsgw):
    config = config_file(smsc, registration={"reminder_hours": "00:00-24:00"})
    running = daemon(config, smsc)
    smsc.wait_bound()
    assert 0 == smsc.send_mo(PHONE, TEXT).answer()
    smsc.wait_submits(1)

    def link_has_sent():
        (link,) = rows(smsgw("-c", config, "links", "--format", "json"))
        return ("simulator", "bound") == (link["name"], link["state"]) and 1 == link["mt"]

    running.until(link_has_sent, what="a bound link that has sent one text")
    status = smsgw("-c", config, "status", "--format", "json")
    (condition,) = json.loads(status.stdout)
    assert (0, [], running.pid) == (
        *(status.returncode, condition["problems"], condition["daemon_pid"]),
    )

    assert 0 == smsgw("-c", config, "accounts", "reset-password", PHONE).returncode
    (_, second) = smsc.wait_submits(2, timeout=10)
    password = second.text.partition("MK: ")[2][:8]
    verify = smsgw("-c", config, "accounts", "verify-password", PHONE, input=f"{password}\n")
    assert 0 == verify.returncode, verify.stderr

    own = smsgw("-c", config, "accounts", "set-password", PHONE, input="correct horse\n")
    assert 0 == own.returncode, own.stderr
    (account,) = rows(smsgw("-c", config, "accounts", "show", PHONE, "--format", "json"))
    assert "active" == account["state"]

    running.terminate()
    (link,) = rows(smsgw("-c", config, "links", "--format", "json"))
    assert "stopped" == link["state"]
    assert 1 == smsgw("-c", config, "status").returncode


@pytest.mark.parametrize("beside", [False, True])
def test_command_copies_the_log_back_only_where_no_daemon_does(smsc, config_file, daemon, beside):
    config = config_file(smsc)
    running = daemon(config, smsc)
    if not beside:
        running.terminate()
    tools = Tools(str(config))
    store: Any = tools.store  # as its engine has it
    (pages,) = store._one("PRAGMA wal_autocheckpoint")
    tools.close()
    assert beside == (pages == 0)


# --- through the control socket -----------------------------------------------------------------


@pytest.fixture
def credentials(tmp_path):
    """The secret key where the service alone finds it, and no command."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    key = folder / "secret_key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o600)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def register(smsc, number=1):
    phone = f"8490512345{number}"
    assert 0 == smsc.send_mo(phone, f"TK,Nguyen Van An,20123456{number},01.02.1990").answer()
    return smsc.wait_submit(to=phone)


def test_the_hotline_needs_no_key(smsc, config_file, daemon, smsgw, credentials, tmp_path):
    config = config_file(smsc, registration={"reminder_hours": "00:00-24:00"})
    daemon(config, smsc, environment=credentials)
    told = register(smsc)
    done = smsgw(
        *("-c", config, "accounts", "reset-password", "-", "--reason", "forgot it"),
        input="0905123451\n",
        environment={"SUDO_USER": "linh"},
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "201234561: a new password goes to +84905123451\n" == done.stdout
    second = smsc.wait_submit(to="84905123451")
    assert told.text != second.text
    story = rows(smsgw("-c", config, "accounts", "history", "201234561", "--format", "json"))
    assert [("linh", "forgot it")] == [
        (entry["actor"], entry["reason"]) for entry in story if entry["what"] == "new password"
    ]
    audit = rows(smsgw("-c", config, "audit", "--who", "linh", "--format", "json"))
    assert [("accounts reset-password", "*****561", "forgot it")] == [
        (line["command"], line["account"], line["detail"]) for line in audit
    ]
    assert not (tmp_path / "secret.key").exists()


def test_a_pass_over_expired_passwords_needs_no_key(smsc, config_file, daemon, smsgw, credentials):
    rules = {"reminder_hours": "00:00-24:00", "password_ttl": "1s", "tick_interval": "1h"}
    config = config_file(smsc, registration=rules | {"password_stock": 2})
    running = daemon(config, smsc, environment=credentials)
    phones = [register(smsc, number).destination.number for number in (1, 2, 3, 4)]
    show = ("-c", config, "accounts", "list", "--expiring-within", "1ms", "--format", "json")
    running.until(lambda: 4 == len(rows(smsgw(*show))), what="four expired passwords")
    # The new ones live for longer: one that lapses before it leaves is never sent.
    config_file(smsc, registration=rules | {"password_stock": 2, "password_ttl": "1h"})
    assert 0 == smsgw("-c", config, "reload").returncode
    (done,) = rows(smsgw("-c", config, "expire", "--format", "json"))
    assert (4, 0, 0) == (done["replaced"], done["ended"], done["waiting"])
    for phone in phones:
        assert "het han" in smsc.wait_submit(to=phone).text


def test_without_daemon_and_key_a_command_says_so(smsc, config_file, daemon, smsgw, credentials):
    config = config_file(smsc)
    running = daemon(config, smsc, environment=credentials)
    register(smsc)
    assert 0 == running.terminate()
    done = smsgw("-c", config, "accounts", "reset-password", "201234561")
    assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert "no daemon answers, and the key cannot be read from here" in done.stderr


def test_a_daemon_that_hangs_costs_a_command_some_seconds_and_one_line(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc)
    running = daemon(config, smsc)
    register(smsc)
    running.process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        done = smsgw("-c", config, "accounts", "reset-password", "201234561")
        took = time.monotonic() - started
    finally:
        running.process.send_signal(signal.SIGCONT)
    assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert "does not answer within 5 s" in done.stderr
    assert took < 10
    # Nor does the daemon do, once it goes on, what nobody waits for any more.
    assert 0 == smsgw("-c", config, "accounts", "reset-password", "201234561").returncode
    smsc.wait_submit(to="84905123451")
    assert 2 == len(smsc.submits)


def test_the_socket_of_a_killed_daemon_is_replaced_by_the_next(
    smsc, config_file, daemon, smsgw, tmp_path
):
    config = config_file(smsc)
    running = daemon(config, smsc)
    register(smsc)
    running.kill()
    assert (tmp_path / "control.sock").exists()
    alone = smsgw("-c", config, "accounts", "reset-password", "201234561")
    assert 0 == alone.returncode, alone.stderr  # by the key beside the database
    running = daemon(config, smsc)
    smsc.wait_submit(to="84905123451")
    assert 0 == smsgw("-c", config, "accounts", "reset-password", "201234561").returncode
    smsc.wait_submit(to="84905123451")
    assert 0 == running.terminate()
    assert not (tmp_path / "control.sock").exists()


def test_cancel_takes_a_text_back_from_its_link_or_says_that_it_is_on_its_way(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc.link(window=1, response_timeout="60s"))
    running = daemon(config, smsc)
    smsc.silence("submits")
    first = register(smsc)  # in flight from now on
    smsc.send_mo("84905123452", "TK,Le Hoa,201234562,01.02.1990").answer()
    listing = ("-c", config, "outbox", "list", "--format", "json")
    running.until(lambda: 2 == len(rows(smsgw(*listing))), what="two replies that wait")
    flying, held = rows(smsgw(*listing))
    assert (f"+{first.destination.number}", "+84905123452") == (flying["phone"], held["phone"])

    refused = smsgw("-c", config, "outbox", "cancel", flying["id"])
    assert (1, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert "is on its way" in refused.stderr

    done = smsgw("-c", config, "outbox", "cancel", held["id"], "--reason", "wrong number")
    assert (0, f"{held['id']}: cancelled\n") == (done.returncode, done.stdout), done.stderr
    smsc.silence()
    assert [flying["id"]] == [reply["id"] for reply in rows(smsgw(*listing))]
    other = smsgw("-c", config, "outbox", "cancel", held["id"])
    assert "is cancelled already" in other.stderr
    assert "84905123452" not in [submit.destination.number for submit in smsc.submits]
    running.kill()  # it would wait for the answer to the first


def test_retry_sends_at_once(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    running = daemon(config, smsc)
    smsc.answer_to("84905123451", 0x0B)
    register(smsc)
    listing = ("-c", config, "outbox", "list", "--format", "json")
    running.until(lambda: "failed" == rows(smsgw(*listing))[0]["state"], what="a refusal")
    smsc.answer_to("84905123451", None)
    (failed,) = rows(smsgw(*listing))
    assert 0 == smsgw("-c", config, "outbox", "retry", failed["id"]).returncode
    assert "MK: " in smsc.wait_submit(to="84905123451").text
