"""A daemon that died, was stopped or stands still is seen as such within ten seconds."""

import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.saboteur import command

CITIZEN = "84905123456"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"
#: A heartbeat of ten seconds is well, an older one is not; and the command itself takes some.
SEEN_SECONDS = 10 + 5


@pytest.fixture
def status(smsgw):
    """(exit status, the one record) of `smsgw status`, which never waits longer than 5 s."""

    def look(config):
        started = time.monotonic()
        result = smsgw("-c", config, "status", "--format", "json")
        assert time.monotonic() - started < 5.5  # with the start of a Python on a busy machine
        (found,) = json.loads(result.stdout)
        assert (result.returncode == 0) == found["ok"]
        return result.returncode, found

    return look


def test_status_tells_what_scripts_rely_on(smsc, config_file, daemon, status, smsgw):
    config = config_file(smsc)
    child = daemon(config, smsc)
    assert 0 == smsc.send_mo(CITIZEN, TEXT).answer()
    smsc.wait_submit()
    child.until(lambda: status(config)[1]["links"][0]["mt"] == 1, what="a text that was taken")
    code, found = status(config)
    assert (0, True, [], child.pid) == (
        *(code, found["ok"], found["problems"], found["daemon_pid"]),
    )
    assert 0 <= found["heartbeat_age_s"] < 10
    assert found["version"]
    assert found["sqlite"]
    assert found["started_at"].endswith("Z")
    assert (None, None, None) == (
        *(found["last_backup_at"], found["last_reload_at"], found["last_reload_ok"]),
    )
    (node,) = found["nodes"]
    assert (socket.gethostname(), child.pid) == (node["name"], node["pid"])
    assert found["last_mo"]
    assert found["last_mt"]
    assert (1, 1) == (found["mo_last_hour"], found["mt_last_hour"])
    (link,) = found["links"]
    assert ("bound", 0, node["name"]) == (link["state"], link["queued"], link["node"])
    assert 1 / 60 == pytest.approx(link["mt_per_s_1m"], abs=0.01)
    (alone,) = json.loads(smsgw("-c", config, "links", "--format", "json").stdout)
    assert list(link) == list(alone)


def test_stopped_daemon_is_not_well_within_ten_seconds_and_well_again_when_it_goes_on(
    smsc, config_file, daemon, status
):
    config = config_file(smsc)
    child = daemon(config, smsc)
    child.until(lambda: status(config)[0] == 0, what="all well")
    os.kill(child.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        while (seen := status(config))[0] == 0:
            assert time.monotonic() - stopped < SEEN_SECONDS
            time.sleep(max(0, 10 - seen[1]["heartbeat_age_s"]))  # it is well until then
        assert seen[1]["heartbeat_age_s"] > 10
        assert any("heartbeat" in problem for problem in seen[1]["problems"])
        assert child.pid == seen[1]["daemon_pid"]
    finally:
        os.kill(child.pid, signal.SIGCONT)
    child.until(lambda: status(config)[0] == 0, what="all well again")


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_daemon_that_is_gone_is_not_well_at_once(end, smsc, config_file, daemon, status):
    config = config_file(smsc)
    child = daemon(config, smsc)
    child.until(lambda: status(config)[0] == 0, what="all well")
    getattr(child, end)()
    code, found = status(config)
    assert (1, ["the daemon is not running"], None) == (
        *(code, found["problems"], found["daemon_pid"]),
    )
    assert [end == "terminate"] == [node["ended"] for node in found["nodes"]]
    assert found["heartbeat_age_s"] is not None
    assert {"stopped"} == {link["state"] for link in found["links"]}


def test_store_that_stands_still_is_said_by_log_systemd_and_commands(
    smsc, config_file, daemon, status, smsgw, tmp_path
):
    """And the event loop turns on: WATCHDOG=1 says nothing else."""
    flag = tmp_path / "fault"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        config = config_file(smsc)
        child = daemon(config, smsc, command=command("hangs-while", flag), environment=environment)
        child.until(lambda: status(config)[0] == 0, what="all well")
        flag.touch()
        child.wait_log("ERROR desk store: it has not answered for 10 s")
        words = b""
        while b"STATUS=1 of 1 links bound; the store takes nothing" not in words:
            words = systemd.recv(4096)
        while b"WATCHDOG=1" not in systemd.recv(4096):
            pass
        code, found = status(config)
        assert 1 == code
        assert "not answered" in found["problems"][0]
        assert ["bound"] == [link["state"] for link in found["links"]]
        assert smsc.enquire_link() < 1
        asked = (["accounts", "list"], ["outbox", "list"], ["try", CITIZEN, "TK"])
        with ThreadPoolExecutor() as pool:  # each waits for long
            answers = pool.map(lambda words: smsgw("-c", config, *words, timeout=45), asked)
        for told in answers:
            assert (1, 1) == (told.returncode, len(told.stderr.splitlines())), told.stderr
            assert "store has not answered" in told.stderr
        flag.unlink()
        child.wait_log("WARNING desk store: takes messages again")
        child.until(lambda: status(config)[0] == 0, what="all well again")
        while b"STATUS=1 of 1 links bound" != systemd.recv(4096):
            pass


def test_watchdog_leaves_the_stack_of_the_loop_in_the_log(smsc, config_file, daemon):
    child = daemon(config_file(smsc), smsc)
    child.process.send_signal(signal.SIGABRT)  # as systemd does
    assert -signal.SIGABRT == child.wait()
    assert "Fatal Python error: Aborted" in child.log
    assert "run_forever" in child.log


def test_first_line_of_the_log_tells_the_versions(smsc, config_file, daemon):
    child = daemon(config_file(smsc), smsc)
    assert "INFO daemon starting version=" in child.log.splitlines()[0]
    assert " sqlite=3." in child.log.splitlines()[0]


def test_fault_at_a_start_carries_its_priority_in_the_journal(config_file, smsc, tmp_path):
    """JOURNAL_STREAM of systemd names the stream; elsewhere no line begins with a number."""
    config = config_file(smsc)
    config.write_text(config.read_text() + "\n[nonsense]\n")
    for journal in (True, False):
        with (tmp_path / f"stderr-{journal}").open("w+") as stream:
            found = os.fstat(stream.fileno())
            named = f"{found.st_dev}:{found.st_ino if journal else 1}"
            subprocess.run(
                [*command("nothing"), "-c", str(config), "run"],
                stderr=stream,
                env={"PATH": os.environ["PATH"], "JOURNAL_STREAM": named},
                check=False,
            )
            stream.seek(0)
            lines = stream.read().splitlines()
        assert lines
        assert {"<3>smsgw: " if journal else "smsgw: "} == {
            line.partition("smsgw: ")[0] + "smsgw: " for line in lines
        }
