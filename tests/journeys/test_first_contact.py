"""`smsgw links test`: every way in which a first contact goes wrong, against real sockets."""

import json
import socket
import threading
from contextlib import contextmanager

import pytest

from smsgw.simulator import received
from smsgw.smpp.pdu import Bind, EnquireLink, Unbind

PHONE = "0905123456"
ADDRESS = "84905123456"


def try_link(smsgw, config, *options, status):
    done = smsgw("-c", config, "links", "test", "viettel", *options, "--format", "json", timeout=90)
    assert status == done.returncode, done.stdout + done.stderr
    return json.loads(done.stdout)


def shape(steps):
    return [(step["step"], step["ok"]) for step in steps]


def links(smsgw, config):
    return json.loads(smsgw("-c", config, "links", "--format", "json").stdout)


GOOD = [(name, True) for name in ("resolve", "connect", "bind", "smsc", "enquire_link")]


# --- a bind of its own ----------------------------------------------------------------------------


def test_without_a_daemon_it_binds_looks_and_unbinds(smsc, config_file, smsgw):
    steps = try_link(smsgw, config_file(smsc.link("viettel")), status=0)
    assert GOOD == shape(steps)
    told = {step["step"]: step["detail"] for step in steps}
    assert f"127.0.0.1:{smsc.port}" == told["connect"]
    assert "as smsgw" == told["bind"]
    assert "calls itself SMSC, SMPP 3.4" == told["smsc"]
    assert told["enquire_link"].startswith("3 round trips of ")
    assert 1 == len(received(smsc.records, Unbind))
    assert 3 == len(received(smsc.records, EnquireLink))


def test_people_read_a_line_a_step_and_what_to_ask(make_smsc, config_file, smsgw):
    smsc = make_smsc(accounts={"smsgw": "right"})
    done = smsgw(
        "-c", config_file(smsc.link("viettel", password="wrong")), "links", "test", "viettel"
    )
    assert 1 == done.returncode
    assert "" == done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok     resolve      127.0.0.1")
    assert lines[2].startswith("FAILED bind         bind refused, ESME_RINVPASWD")
    assert any(line.lstrip().startswith("ask: Which system_id") for line in lines)


def test_receiver_and_transmitter_are_tried_each(smsc, config_file, smsgw):
    config = config_file(smsc.link("viettel", bind="receiver+transmitter"))
    steps = try_link(smsgw, config, status=0)
    assert ["receiver", "transmitter"] == [s["session"] for s in steps if s["step"] == "bind"]
    assert 2 == len(received(smsc.records, Unbind))


def test_text_is_sent_and_its_receipt_is_shown(make_smsc, config_file, smsgw):
    smsc = make_smsc()
    steps = try_link(smsgw, config_file(smsc.link("viettel")), "--send", PHONE, status=0)
    assert [*GOOD, ("send", True), ("receipt", True)] == shape(steps)
    (submit,) = smsc.submits
    assert (ADDRESS, 1, 1) == submit.destination
    assert "Day la tin nhan kiem tra" in submit.text


def test_text_of_a_citizen_that_comes_meanwhile_is_told_to_come_again(
    smsc, config_file, smsgw, daemon
):
    config = config_file(smsc.link("viettel"))
    handle = smsc.send_mo(ADDRESS, "xin chao")
    try_link(smsgw, config, status=0)
    daemon(config, smsc)
    assert 0 == handle.settled()


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (0x0E, "Which system_id and which password"),
        (0x0D, "from which of our addresses"),
        (0x05, "Which session of ours do you see"),
        (0x0F, "Is the account on this SMSC"),
        (0x53, "system_type"),
        (0x400, "What does this code mean"),
    ],
)
def test_bind_that_is_refused_says_what_to_ask(status, ask, smsc, config_file, smsgw):
    smsc.manners.bind_status = status
    steps = try_link(smsgw, config_file(smsc.link("viettel")), status=1)
    assert [*GOOD[:2], ("bind", False)] == shape(steps)
    assert ask in steps[-1]["ask"]
    assert 1 == len(received(smsc.records, Bind))  # and no second try


def test_nobody_listens(config_file, smsgw, smsc):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    steps = try_link(smsgw, config_file(smsc.link("viettel", port=port)), status=1)
    assert [("resolve", True), ("connect", False)] == shape(steps)
    assert "connection refused" in steps[-1]["detail"]
    assert "firewall" in steps[-1]["ask"]


def test_name_that_there_is_not(config_file, smsgw, smsc):
    steps = try_link(smsgw, config_file(smsc.link("viettel", host="nowhere.invalid")), status=1)
    assert [("resolve", False)] == shape(steps)
    assert "address of your SMSC" in steps[-1]["ask"]


@contextmanager
def peer(behave):
    """A server that does *behave* with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                behave(connection)

        kept = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()
        thread.join(10)


def test_bind_that_is_not_answered(config_file, smsgw, smsc):
    with peer(lambda connection: None) as port:
        config = config_file(smsc.link("viettel", port=port, response_timeout="1s"))
        steps = try_link(smsgw, config, status=1)
    assert "no answer to the bind in 1 s" in steps[-1]["detail"]
    assert "our bind is not answered" in steps[-1]["ask"]


def test_peer_that_closes_at_once(config_file, smsgw, smsc):
    with peer(lambda connection: connection.close()) as port:
        steps = try_link(smsgw, config_file(smsc.link("viettel", port=port)), status=1)
    assert [*GOOD[:2], ("bind", False)] == shape(steps)
    assert "You close the connection before you answer our bind" in steps[-1]["ask"]


def test_peer_that_speaks_something_else(config_file, smsgw, smsc):
    with peer(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        steps = try_link(smsgw, config_file(smsc.link("viettel", port=port)), status=1)
    (failed,) = [step for step in steps if not step["ok"]]
    assert "peer is not SMPP" in failed["detail"]
    assert "Is this the port for SMPP" in failed["ask"]


def test_tls_shows_whose_certificate_it_is_and_until_when(
    make_smsc, config_file, smsgw, certificates
):
    smsc = make_smsc(tls=certificates.server_context())
    link = smsc.link("viettel", host="localhost", tls=True, tls_ca_file=certificates.ca)
    steps = try_link(smsgw, config_file(link), status=0)
    assert ["resolve", "connect", "tls", "bind", "smsc", "enquire_link"] == [
        step["step"] for step in steps
    ]
    assert "certificate of server, localhost" in steps[2]["detail"]
    assert ", until 20" in steps[2]["detail"]


def test_certificate_of_another_name(make_smsc, config_file, smsgw, certificates):
    smsc = make_smsc(tls=certificates.server_context())
    link = smsc.link("viettel", tls=True, tls_ca_file=certificates.ca, tls_server_name="other.vn")
    steps = try_link(smsgw, config_file(link), status=1)
    assert [*GOOD[:2], ("tls", False)] == shape(steps)
    assert "Which name stands in your certificate" in steps[-1]["ask"]


def test_certificate_of_an_unknown_authority(make_smsc, config_file, smsgw, certificates):
    smsc = make_smsc(tls=certificates.server_context())
    steps = try_link(smsgw, config_file(smsc.link("viettel", tls=True)), status=1)
    assert "Which authority signs your certificate" in steps[-1]["ask"]


def test_tls_on_the_port_without(smsc, config_file, smsgw):
    steps = try_link(smsgw, config_file(smsc.link("viettel", tls=True)), status=1)
    assert ("tls", False) == shape(steps)[-1]
    assert "Is this the port for TLS" in steps[-1]["ask"]


# --- beside the daemon ----------------------------------------------------------------------------


def test_bound_link_is_tested_on_its_session(smsc, config_file, daemon, smsgw):
    smsc.manners.one_bind = True
    config = config_file(smsc.link("viettel"))
    daemon(config, smsc).wait_log("bound to")
    steps = try_link(smsgw, config, status=0)
    assert GOOD == shape(steps)
    assert 1 == len(received(smsc.records, Bind))
    assert [] == received(smsc.records, Unbind)
    assert 3 == len(received(smsc.records, EnquireLink))


def test_text_is_a_message_as_any_other(smsc, config_file, daemon, smsgw):
    config = config_file(smsc.link("viettel"))
    child = daemon(config, smsc)
    child.wait_log("bound to")
    steps = try_link(smsgw, config, "--send", PHONE, status=0)
    assert [*GOOD, ("send", True), ("receipt", True)] == shape(steps)
    assert ADDRESS == smsc.wait_submit().destination.number
    (message,) = json.loads(smsgw("-c", config, "messages", "list", "--format", "json").stdout)
    assert ("mt", "+84905123456", "viettel", "delivered") == tuple(
        message[key] for key in ("direction", "phone", "link", "state")
    )
    history = json.loads(
        smsgw("-c", config, "accounts", "history", PHONE, "--format", "json").stdout
    )
    assert any("kiem tra" in entry["detail"] for entry in history)
    (line,) = [
        line
        for line in json.loads(smsgw("-c", config, "audit", "--format", "json").stdout)
        if line["command"] == "links test"
    ]
    assert "*****456" == line["account"]
    assert "123456" not in child.log


def test_text_that_is_refused_says_what_to_ask(smsc, config_file, daemon, smsgw):
    smsc.refuse_source()
    config = config_file(smsc.link("viettel"))
    daemon(config, smsc).wait_log("bound to")
    steps = try_link(smsgw, config, "--send", PHONE, status=1)
    assert ("send", False) == shape(steps)[-1]
    assert "short code" in steps[-1]["ask"]


def test_link_that_waits_makes_its_next_try_at_once(smsc, config_file, daemon, smsgw):
    smsc.stop()
    config = config_file(smsc.link("viettel", reconnect_min="60s"))
    child = daemon(config)
    child.wait_log("next try in")
    steps = try_link(smsgw, config, status=1)
    assert [("resolve", True), ("connect", False)] == shape(steps)
    smsc.start()
    assert GOOD == shape(try_link(smsgw, config, status=0))
    assert 1 == smsc.binds


def test_stopped_link_is_bound_by_the_command(smsc, config_file, daemon, smsgw):
    config = config_file(smsc.link("viettel"))
    child = daemon(config, smsc)
    assert 0 == smsgw("-c", config, "links", "stop", "viettel").returncode
    assert GOOD == shape(try_link(smsgw, config, status=0))
    assert 2 == smsc.binds
    assert [] == smsc.bound
    child.until(lambda: links(smsgw, config)[0]["state"] == "stopped")


def test_others_are_answered_while_a_carrier_dawdles(config_file, daemon, smsgw, smsc):
    with peer(lambda connection: None) as port:
        config = config_file(
            smsc.link("viettel", port=port, response_timeout="8s", reconnect_min="60s"),
            smsc.link("mobi"),
        )
        child = daemon(config, smsc)
        tests = [
            smsgw.start("-c", config, "links", "test", "viettel", "--format", "json")
            for _ in range(3)
        ]
        assert 0 == smsgw("-c", config, "links", "stop", "mobi").returncode
        assert 0 == smsgw("-c", config, "links", "start", "mobi").returncode
        child.until(lambda: smsc.binds == 2)
        for test in tests:
            out, _ = test.communicate(timeout=60)
            assert "no answer to the bind" in json.loads(out)[-1]["detail"]


BAD_PHONES = {"no number": "hallo", "another country": "+4915112345678", "short": "8188"}


@pytest.mark.parametrize("phone", BAD_PHONES.values(), ids=BAD_PHONES)
def test_phone_that_gets_no_texts_is_refused_before_anything_is_tried(
    phone, smsc, config_file, smsgw
):
    done = smsgw(
        "-c", config_file(smsc.link("viettel")), "links", "test", "viettel", "--send", phone
    )
    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert 0 == smsc.binds
