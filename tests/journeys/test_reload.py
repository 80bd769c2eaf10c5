"""`smsgw reload`: the daemon as a child process, its file changed under it, citizens texting."""

import json
import os
import re
import signal
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from smsgw.simulator import received
from smsgw.smpp.pdu import Unbind
from smsgw.store import open_store

AN = "84905123456"
REGISTRATION = "TK,Nguyen Van An,201234567,01.02.1990"
WRONG = "Sai cu phap, xin nhan lai"


def reload(smsgw, config):
    return smsgw("-c", config, "reload")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def facts(smsgw, config, *arguments):
    return json.loads(smsgw("-c", config, *arguments, "--format", "json").stdout)


def states(smsgw, config):
    return {link["name"]: link["state"] for link in facts(smsgw, config, "links")}


# --- what is taken over ---------------------------------------------------------------------------


def test_new_wording_holds_for_the_next_text_and_nothing_is_bound_anew(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc)
    daemon(config, smsc)
    config_file(smsc, messages={"syntax_error": WRONG})
    done = reload(smsgw, config)
    assert (0, "") == (done.returncode, done.stderr)
    assert f"{config}: taken over; new: messages.syntax_error\n" == done.stdout
    assert 0 == smsc.send_mo(AN, "xin chao").answer()
    assert WRONG == smsc.wait_submit().text
    assert 1 == smsc.binds


def test_file_that_is_the_same_changes_nothing(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    daemon(config, smsc)
    done = reload(smsgw, config)
    assert (0, f"{config}: taken over; nothing is new\n") == (done.returncode, done.stdout)
    assert 1 == smsc.binds


def test_passwords_have_the_new_length_at_once(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    daemon(config, smsc)
    reminder = "Mat khau moi: TK {0}, MK {1}"
    rules = {"password_length": 12, "repeat": "reset"}
    config_file(smsc, registration=rules, messages={"reminder": reminder})
    assert 0 == reload(smsgw, config).returncode
    smsc.send_mo(AN, REGISTRATION)
    assert re.search("MK: [a-z2-9]{12} ", smsc.wait_submit().text)
    smsc.send_mo(AN, REGISTRATION)  # registration.repeat is another, too
    smsc.wait_submits(2)
    assert "MK: " in smsc.submits[-1].text


def test_limits_and_log_are_followed(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    child = daemon(config, smsc)
    config_file(
        smsc, limits={"replies_per_phone_per_hour": 1}, log={"level": "trace", "format": "json"}
    )
    assert 0 == reload(smsgw, config).returncode
    assert 0 == smsc.send_mo(AN, "a").answer()
    smsc.wait_submit()
    assert 0 == smsc.send_mo(AN, "b").answer()
    child.wait_log(r'"message": "mo link=simulator mo=\d+ outcome=ignored')
    child.wait_log(r'"level": "trace".*deliver_sm')  # on the session that there was
    assert 1 == len(smsc.submits)


def test_new_time_of_the_expiry_pass_is_followed(smsc, config_file, daemon, smsgw):
    slow = {"password_ttl": "1s", "tick_interval": "1h", "reminder_hours": "00:00-24:00"}
    config = config_file(smsc, registration=slow)
    daemon(config, smsc)
    smsc.send_mo(AN, REGISTRATION)
    smsc.wait_submit()
    config_file(smsc, registration=slow | {"tick_interval": "100ms"})
    assert 0 == reload(smsgw, config).returncode
    assert "het han" in smsc.wait_submit().text


def test_links_come_go_and_change_while_another_goes_on(
    smsc, make_smsc, config_file, daemon, smsgw
):
    other, third = make_smsc(), make_smsc()
    config = config_file(smsc.link("viettel"), other.link("mobi"))
    child = daemon(config, smsc, other)
    config_file(smsc.link("viettel"), other.link("mobi", window=3), third.link("vina"))
    done = reload(smsgw, config)
    assert "new: smsc.mobi.window, smsc.vina" in done.stdout
    child.until(lambda: other.binds == 2 and third.binds == 1)
    assert 1 == len(received(other.records, Unbind))
    config_file(smsc.link("viettel"), third.link("vina"))
    assert 0 == reload(smsgw, config).returncode
    child.until(lambda: not other.bound)
    child.until(lambda: states(smsgw, config) == {"viettel": "bound", "vina": "bound"})
    assert (1, 2, 1) == (smsc.binds, other.binds, third.binds)


def test_pace_is_taken_over_without_a_bind(smsc, config_file, daemon, smsgw):
    config = config_file(smsc.link("viettel"))
    daemon(config, smsc)
    config_file(smsc.link("viettel", max_per_second=7))
    assert 0 == reload(smsgw, config).returncode
    assert 0 == reload(smsgw, config).returncode
    assert 1 == smsc.binds


def test_new_content_of_the_password_file_binds_anew(smsc, config_file, daemon, smsgw, tmp_path):
    file = tmp_path / "pw"
    file.write_text("old\n")
    file.chmod(0o400)
    link = smsc.link("viettel", password_file="pw")
    del link["password"]
    config = config_file(link)
    child = daemon(config, smsc)
    assert 0 == reload(smsgw, config).returncode
    assert 1 == smsc.binds
    file.unlink()
    file.write_text("new\n")
    assert "smsc.viettel.password" in reload(smsgw, config).stdout
    child.until(lambda: smsc.binds == 2)


# --- what is refused ------------------------------------------------------------------------------


def test_file_with_faults_is_refused_whole_and_every_fault_is_a_line(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc)
    child = daemon(config, smsc)
    config_file(
        smsc, messages={"syntax_error": WRONG}, limits={"x": 1}, registration={"repeat": "often"}
    )
    done = reload(smsgw, config)
    assert (1, "") == (done.returncode, done.stdout)
    faults = done.stderr.splitlines()
    assert 2 == len(faults)
    assert all(line.startswith(f"smsgw: {config}: ") for line in faults)
    assert "registration.repeat" in faults[0]
    assert "limits.x" in faults[1]
    child.wait_log("ERROR daemon reload refused: .*limits.x")
    smsc.send_mo(AN, "xin chao")
    assert "Loi. Tin nhan sai cu phap" in smsc.wait_submit().text


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("gateway", "secret_key_file", "other.key"),
        ("gateway", "database", "other.db"),
        ("registration", "password_stock", 7),
        ("metrics", "listen", "127.0.0.1:1"),
    ],
)
def test_what_needs_a_restart_is_named_and_nothing_is_taken_over(
    section, key, value, smsc, config_file, daemon, smsgw, tmp_path
):
    config = config_file(smsc)
    daemon(config, smsc)
    if key == "database":
        value = str(tmp_path / value)
    sections = {"messages": {"syntax_error": WRONG}, section: {key: value}}
    config_file(smsc, **sections)
    done = reload(smsgw, config)
    assert (1, "") == (done.returncode, done.stdout)
    # Beside the database lies what has no place of its own.
    assert f"smsgw: {config}: {section}.{key}: takes a restart" in done.stderr.splitlines()
    smsc.send_mo(AN, "xin chao")
    assert WRONG != smsc.wait_submit().text


def test_file_that_is_no_toml_any_more_is_told_and_the_one_before_stays(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc)
    child = daemon(config, smsc)
    config.write_text("[gateway\n")
    done = reload(smsgw, config)
    assert 1 == done.returncode
    (line,) = done.stderr.splitlines()
    assert f"{config}: is not TOML" in line
    child.process.send_signal(signal.SIGHUP)
    child.wait_log("reload refused: .*is not TOML")
    assert 0 == smsc.send_mo(AN, "xin chao").answer()


def test_certificate_that_cannot_be_used_is_refused_before_the_link_is_touched(
    make_smsc, config_file, daemon, smsgw, certificates, tmp_path
):
    smsc = make_smsc(tls=certificates.server_context())
    (tmp_path / "ca.pem").write_text(Path(certificates.ca).read_text())
    config = config_file(smsc.link("viettel", tls=True, tls_ca_file="ca.pem"))
    daemon(config, smsc)
    (tmp_path / "ca.pem").write_text("nothing")
    done = reload(smsgw, config)
    assert 1 == done.returncode
    assert "smsc.viettel: TLS: tls_ca_file" in done.stderr
    assert 1 == smsc.binds


def test_without_a_daemon_it_says_so_in_one_line(smsc, config_file, smsgw):
    config = config_file(smsc)
    done = reload(smsgw, config)
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "no daemon answers at" in done.stderr


# --- how it is told -------------------------------------------------------------------------------


def test_hang_up_does_the_same(smsc, config_file, daemon):
    config = config_file(smsc)
    child = daemon(config, smsc)
    child.wait_log("bound to")
    config_file(smsc, messages={"syntax_error": WRONG})
    child.process.send_signal(signal.SIGHUP)
    child.wait_log("reload changed=messages.syntax_error")
    smsc.send_mo(AN, "xin chao")
    assert WRONG == smsc.wait_submit().text


def test_systemd_is_told_of_begin_and_end_also_where_it_is_refused(
    smsc, config_file, daemon, smsgw, tmp_path
):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        config = config_file(smsc)
        daemon(config, smsc, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        config_file(smsc, limits={"x": 1})
        assert 1 == reload(smsgw, config).returncode
        config_file(smsc)
        assert 0 == reload(smsgw, config).returncode
        words = []
        while sum("READY=1" in word for word in words) < 3:
            words.append(systemd.recv(1000).decode())
    told = [word for word in words if word.startswith(("READY", "RELOADING"))]
    assert ["READY", "RELOADING", "READY", "RELOADING", "READY"] == [
        word.partition("=")[0] for word in told
    ]
    assert re.search(r"^MONOTONIC_USEC=\d+$", told[1], re.MULTILINE)


def test_last_reload_is_kept_in_the_store(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    child = daemon(config, smsc)
    config_file(smsc, limits={"x": 1})
    assert 1 == reload(smsgw, config).returncode
    config_file(smsc)
    (status,) = facts(smsgw, config, "status")
    assert (True, False) == (status["last_reload_at"] is not None, status["last_reload_ok"])
    child.terminate()
    store = open_store(config.parent / "smsgw.db")
    assert "0" == store.fact("last_reload_ok")
    assert int(store.fact("last_reload_at")) > 0
    store.close()
    daemon(config, smsc).terminate()  # which read the file as it is now
    store = open_store(config.parent / "smsgw.db")
    assert "1" == store.fact("last_reload_ok")
    store.close()


def test_metrics_go_on_after_a_reload(smsc, config_file, daemon, smsgw):
    listen = f"127.0.0.1:{free_port()}"
    config = config_file(smsc, metrics={"listen": listen})
    daemon(config, smsc)
    config_file(smsc, metrics={"listen": listen}, limits={"replies_per_hour": 3})
    assert 0 == reload(smsgw, config).returncode
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=5) as answer:
        assert 200 == answer.status


# --- while much goes on -------------------------------------------------------------------------


def test_texts_that_come_and_go_meanwhile_are_neither_lost_nor_doubled(
    smsc, make_smsc, config_file, daemon, smsgw
):
    """Both carriers have citizens at work; one link is bound anew again and again, its texts in
    flight are waited for."""
    mobi = make_smsc(answer_delay=0.05)
    config = config_file(smsc.link("viettel"), mobi.link("mobi"))
    child = daemon(config, smsc, mobi)
    phones = [f"8490{number:07}" for number in range(240)]
    handles = []

    def citizens():
        for number, phone in enumerate(phones):
            handles.append((mobi if number % 2 else smsc).send_mo(phone, "xin chao"))
            if number % 40 == 39:
                handles[-1].settled()

    texting = threading.Thread(target=citizens)
    texting.start()
    for window in (2, 9, 4):
        config_file(smsc.link("viettel"), mobi.link("mobi", window=window))
        assert 0 == reload(smsgw, config).returncode
    texting.join(60)
    assert [0] * len(phones) == [handle.settled() for handle in handles]
    child.until(lambda: len(smsc.submits) + len(mobi.submits) >= len(phones))
    sent = [s.destination.number for s in smsc.submits + mobi.submits]
    assert sorted(phones) == sorted(sent)
    assert 1 == smsc.binds
    assert mobi.binds >= 2


def test_two_at_once_are_both_answered(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    daemon(config, smsc)
    config_file(smsc, messages={"syntax_error": WRONG})
    children = [smsgw.start("-c", config, "reload") for _ in range(4)]
    assert [0] * 4 == [child.wait(20) for child in children]
    smsc.send_mo(AN, "xin chao")
    assert WRONG == smsc.wait_submit().text
    assert 1 == smsc.binds


def test_link_that_cannot_bind_is_replaced_while_it_tries(smsc, config_file, daemon, smsgw):
    nowhere = smsc.link("viettel", port=free_port(), reconnect_min="60s")
    config = config_file(nowhere)
    child = daemon(config)
    child.wait_log("connection refused")
    config_file(smsc.link("viettel"))
    assert 0 == reload(smsgw, config).returncode
    child.until(lambda: smsc.binds == 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_socket_of_another_user_is_not_used(smsc, config_file, smsgw, tmp_path):
    config = config_file(smsc)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(tmp_path / "control.sock"))
        os.chown(tmp_path / "control.sock", 12345, 12345)
        done = reload(smsgw, config)
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "belongs to uid 12345" in done.stderr


def test_daemon_of_an_older_version_is_told_in_one_line(config_file, smsc, smsgw, tmp_path):
    """It knows no such verb."""
    config = config_file(smsc)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()

        def old_daemon():
            with listener.accept()[0] as client:
                client.recv(4096)
                problem = "the daemon does not know what is asked for"
                client.sendall(json.dumps({"problem": problem, "remedy": None}).encode() + b"\n")

        answering = threading.Thread(target=old_daemon)
        answering.start()
        done = reload(smsgw, config)
        answering.join(10)
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "does not know what is asked for" in done.stderr
