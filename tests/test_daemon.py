"""The daemon as a child process, between a simulated SMSC and a real database."""

import asyncio
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta

import pytest

from smsgw import clock, config
from smsgw.daemon import Daemon, _log_fault
from smsgw.gateway import Batch, Gateway, Rules
from smsgw.model import Address, Answer, Mo, Part
from smsgw.passwords import OnDemand
from smsgw.simulator import Smsc, texts
from smsgw.simulator.toml import dumps
from smsgw.store import StoreLost, open_store
from smsgw.store.sqlite.store import SqliteStore
from smsgw.vault import Vault

CITIZEN = "84905123456"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def get(url):
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


@pytest.mark.parametrize("end", ["terminate", "interrupt"])
def test_signal_ends_it_cleanly(end, smsc, config_file, daemon):
    child = daemon(config_file(smsc), smsc)
    assert 0 == getattr(child, end)()
    assert "ended" in child.log
    assert [] == smsc.bound


def test_text_is_answered_and_a_reply_sent(smsc, config_file, daemon):
    daemon(config_file(smsc), smsc)
    assert 0 == smsc.send_mo(CITIZEN, TEXT).answer()
    assert "TK: 201234567, MK: " in smsc.wait_submit().text


def test_sigterm_in_the_middle_of_traffic_loses_nothing(smsc, config_file, daemon):
    file = config_file(smsc, registration={"password_stock": 20})
    child = daemon(file, smsc)
    phones = [f"8490{number:07}" for number in range(500)]
    handles = [
        # One in fifty registers; hashing for all would take longer than an SMSC waits.
        smsc.send_mo(phone, "DK" if number % 50 else f"TK,Nguyen Van An,2{number:08},01.02.1990")
        for number, phone in enumerate(phones)
    ]
    smsc.wait_submits(10)
    assert 0 == child.terminate()
    daemon(file, smsc)
    for handle in handles:
        assert 0 == handle.settled()
    smsc.wait_submits(len(phones))
    assert sorted(phones) == sorted(submit.destination.number for submit in smsc.submits)


def test_second_daemon_of_a_database_is_refused_in_one_line(smsc, config_file, daemon, smsgw):
    file = config_file(smsc)
    child = daemon(file, smsc)
    other = smsgw("-c", file, "run")
    assert 1 == other.returncode
    assert 1 == len(other.stderr.splitlines())
    assert f"another daemon (pid {child.pid}) serves" in other.stderr
    assert 1 == smsc.binds


def test_second_signal_ends_it_at_once(smsc, config_file, daemon):
    link = smsc.link("viettel", response_timeout="60s")
    child = daemon(config_file(link), smsc)
    smsc.silence("unbinds")
    child.process.send_signal(signal.SIGTERM)
    smsc.wait_record(lambda record: "Unbind" in type(record.pdu).__name__)
    assert 1 == child.terminate(timeout=5)


def test_daemon_without_its_smsc_goes_on_and_comes_back(smsc, config_file, daemon):
    link = smsc.link("viettel", reconnect_min="50ms", reconnect_max="200ms")
    smsc.stop()
    child = daemon(config_file(link))
    child.wait_log("connection refused by")
    smsc.start()
    assert 0 == smsc.send_mo(CITIZEN, TEXT).answer()


def test_command_wakes_the_daemon(smsc, config_file, daemon, smsgw):
    file = config_file(smsc, registration={"tick_interval": "1h"})
    daemon(file, smsc)
    smsc.send_mo(CITIZEN, TEXT)
    smsc.wait_submit()
    assert 0 == smsgw("-c", file, "accounts", "reset-password", "201234567").returncode
    assert "TK: 201234567, MK: " in smsc.wait_submit().text


@pytest.mark.parametrize("stock", [4, 0], ids=["small stock", "no stock"])
def test_everybody_is_reminded_though_passwords_are_few(stock, smsc, config_file, daemon):
    rules = {"password_ttl": "1s", "tick_interval": "100ms", "reminder_hours": "00:00-24:00"}
    daemon(config_file(smsc, registration=rules | {"password_stock": stock}), smsc)
    phones = {f"8490512345{number}" for number in range(6)}
    for phone in phones:
        smsc.send_mo(phone, f"TK,Nguyen Van An,{phone[2:]},01.02.1990")
    reminded = set()
    while reminded != phones:
        submit = smsc.wait_submit()
        if "het han" in submit.text:
            reminded.add(submit.destination.number)


def test_incomplete_long_texts_are_all_answered_however_many_and_late(
    smsc, config_file, daemon, tmp_path
):
    """They were acknowledged; the gateway then stood still for longer than parts are known."""
    file = config_file(smsc)
    settings = config.load(file)
    store = open_store(settings.gateway.database)
    vault = Vault.open(settings.gateway.secret_key_file, create=True)
    gateway = Gateway(store, Rules.of(settings), vault, OnDemand(8))
    phones = [f"8490500{number:04}" for number in range(1200)]
    part = Part("8:7", 2, 1, 0, b"TK,Nguyen Van An,", (0, 0))
    link = settings.smsc[0].name
    mos = [Mo(link, 1, Address(phone, 1, 1), None, 1, part) for phone in phones]
    past = clock.now() - timedelta(hours=1)
    assert {Answer.OK} == set(gateway.commit(Batch(mos=mos), past).answers)
    store.close()
    daemon(file, smsc)
    smsc.wait_submits(len(phones))
    assert sorted(phones) == sorted(submit.destination.number for submit in smsc.submits)


# --- what it says -----------------------------------------------------------------------------


def test_metrics_and_health_of_a_working_daemon(smsc, config_file, daemon):
    port = free_port()
    file = config_file(smsc.link("viettel"), metrics={"listen": f"127.0.0.1:{port}"})
    child = daemon(file, smsc)
    smsc.send_mo(CITIZEN, TEXT)
    smsc.wait_submit()
    child.wait_log("bound to")
    status, body = get(f"http://127.0.0.1:{port}/healthz")
    assert (200, {"status": "ok", "reasons": []}) == (status, json.loads(body))
    status, body = get(f"http://127.0.0.1:{port}/metrics")
    assert 200 == status
    assert 'smsgw_link_mo_total{link="viettel"} 1.0' in body
    assert 'smsgw_link_bound{link="viettel"} 1.0' in body
    assert 'smsgw_link_barred{link="viettel"} 0.0' in body
    assert "smsgw_outbox_held 0.0" in body
    assert 'smsgw_mo_total{outcome="registered"} 1.0' in body
    assert "201234567" not in body


def test_health_says_that_no_link_is_bound(config_file, daemon):
    port, nobody = free_port(), free_port()
    link = {"name": "viettel", "host": "127.0.0.1", "port": nobody}
    link |= {"system_id": "smsgw", "password": "secret"}
    child = daemon(config_file(link, metrics={"listen": f"127.0.0.1:{port}"}))
    child.wait_log("connection refused by")
    status, body = get(f"http://127.0.0.1:{port}/healthz")
    assert 503 == status
    (reason,) = json.loads(body)["reasons"]
    assert "link viettel is waiting: connection refused by 127.0.0.1" in reason


def test_health_of_a_gateway_with_one_link_of_two_is_all_that_status_says(
    smsc, config_file, daemon, smsgw
):
    """It serves: nobody is to restart it, or to send its citizens elsewhere."""
    port, nobody = free_port(), free_port()
    gone = {"name": "mobi", "host": "127.0.0.1", "port": nobody}
    gone |= {"system_id": "smsgw", "password": "secret", "reconnect_min": "60s"}
    listen = {"listen": f"127.0.0.1:{port}"}
    file = config_file(smsc.link("viettel"), gone, metrics=listen)
    child = daemon(file, smsc)
    child.wait_log("connection refused by")
    child.wait_log("bound to")

    def problems():
        return json.loads(smsgw("-c", file, "status", "--format", "json").stdout)[0]["problems"]

    child.until(lambda: len(problems()) == 1)
    status, body = get(f"http://127.0.0.1:{port}/healthz")
    assert (200, {"status": "unwell", "reasons": problems()}) == (status, json.loads(body))


def test_commands_see_the_state_of_the_links(smsc, config_file, daemon, smsgw):
    file = config_file(smsc.link("viettel", reconnect_min="60s"))
    child = daemon(file, smsc)

    def link():
        return json.loads(smsgw("-c", file, "links", "--format", "json").stdout)[0]

    child.until(lambda: link()["state"] == "bound")
    smsc.drop()
    child.until(lambda: link()["state"] == "waiting")
    assert "the SMSC closed the connection" == link()["reason"]
    child.terminate()
    assert ("stopped", None) == (link()["state"], link()["reason"])


def test_systemd_is_told_of_ready_watchdog_and_end(smsc, config_file, daemon, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
        child = daemon(config_file(smsc), smsc, environment=environment)
        words = b""
        while b"READY=1" not in words or words.count(b"WATCHDOG=1") < 3:
            words += systemd.recv(1000) + b"\n"
        assert 0 == child.terminate()
        while b"STOPPING=1" not in words:
            words += systemd.recv(1000) + b"\n"
    assert b"links bound" in words


def test_log_has_no_password_and_no_whole_number(smsc, config_file, daemon):
    child = daemon(config_file(smsc, log={"level": "trace"}), smsc)
    smsc.send_mo(CITIZEN, TEXT)
    password = re.search("MK: ([a-z0-9]{8}) ", smsc.wait_submit().text)[1]
    child.terminate()
    for secret in (password, CITIZEN, "201234567", "Nguyen"):
        assert secret not in child.log
    assert "deliver_sm" in child.log  # the trace is there


# --- what it cannot do ------------------------------------------------------------------------


def test_port_of_metrics_in_use_is_one_clear_line(smsc, config_file, smsgw):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        result = smsgw("-c", config_file(smsc, metrics={"listen": listen}), "run")
    assert 1 == result.returncode
    faults = [line for line in result.stderr.splitlines() if line.startswith("smsgw: ")]
    assert [True] == [f"metrics.listen: {listen} cannot be listened at" in line for line in faults]
    assert 0 == smsc.binds


def test_missing_folder_is_one_clear_line(smsc, config_file, smsgw, tmp_path):
    database = str(tmp_path / "nowhere" / "smsgw.db")
    result = smsgw("-c", config_file(smsc, gateway={"database": database}), "run")
    assert 1 == result.returncode
    assert 1 == len(result.stderr.splitlines())
    assert f"{database}.lock" in result.stderr


def settings_for(port, folder):
    file = folder / "config.toml"
    link = {"name": "viettel", "host": "127.0.0.1", "port": port}
    link |= {"system_id": "smsgw", "password": "secret"}
    gateway = {"database": str(folder / "smsgw.db")}
    registration = {"password_stock": 1, "tick_interval": "1h"}
    document = {"gateway": gateway, "registration": registration, "smsc": [link]}
    file.write_text(dumps(document))
    return config.load(file)


def test_disk_that_cannot_be_trusted_ends_it_without_an_answer(monkeypatch, tmp_path):
    def lost(self, batch, now):
        raise StoreLost("I/O error while committing")

    monkeypatch.setattr(Gateway, "commit", lost)

    async def scenario():
        smsc = Smsc()
        await smsc.start()
        delivery = smsc.deliver(texts.mo(CITIZEN, TEXT))
        try:
            async with asyncio.timeout(10):
                await Daemon(settings_for(smsc.port, tmp_path)).run()
        finally:
            await smsc.stop()
            assert [] == delivery.statuses

    with pytest.raises(StoreLost, match="I/O error"):
        asyncio.run(scenario())


@pytest.mark.parametrize("verb", ["expire", "link_changed", "beat"])
def test_whoever_meets_such_a_disk_ends_it(verb, monkeypatch, tmp_path):
    def lost(self, *arguments, **options):
        raise StoreLost("I/O error")

    monkeypatch.setattr(Gateway, verb, lost)

    async def scenario():
        async with asyncio.timeout(10):
            await Daemon(settings_for(free_port(), tmp_path)).run()

    with pytest.raises(StoreLost, match="I/O error"):
        asyncio.run(scenario())


def test_fault_in_the_middle_of_the_start_leaves_nothing_open(monkeypatch, tmp_path):
    closed = []
    monkeypatch.setattr(SqliteStore, "close", lambda self: closed.append(self))
    monkeypatch.setattr(Gateway, "start", lambda self, now: 1 / 0)

    async def scenario():
        async with asyncio.timeout(10):
            await Daemon(settings_for(free_port(), tmp_path)).run()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())
    assert 1 == len(closed)


def test_fault_in_a_callback_is_logged_and_survived(caplog):
    async def scenario():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_fault)
        done = loop.create_future()
        loop.call_soon(lambda: 1 / 0)
        loop.call_soon(done.set_result, None)
        await done

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_no_core_dump_and_no_look_into_its_memory():
    script = """
import ctypes, resource
from smsgw.hardening import harden
harden()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
"""
    environment = {"PATH": os.environ["PATH"]}
    output = subprocess.check_output([sys.executable, "-c", script], text=True, env=environment)
    assert "0 (0, 0)\n" == output
