"""The hotline's commands in their own processes, beside a running daemon and a carrier."""

import json

import pytest

from smsgw.cli.office import Office

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

    def link():
        (link,) = rows(smsgw("-c", config, "links", "--format", "json"))
        return ("simulator", "bound") == (link["name"], link["state"]) and 1 == link["mt"]

    running.until(link, what="a bound link that has sent one text")
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
    office = Office(str(config))
    (pages,) = office.store._one("PRAGMA wal_autocheckpoint")
    office.close()
    assert beside == (pages == 0)
