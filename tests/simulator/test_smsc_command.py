"""`smsgw smsc` as a child process, with a peer on its port."""

import os
import re
import signal
import socket
import subprocess
from types import SimpleNamespace

import pytest

TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


@pytest.fixture
def command(smsgw):
    """Starts `smsgw smsc --port 0` and finds out its port."""

    def start(*options, **streams):
        child = smsgw.start("smsc", "--port", "0", *options, **streams)
        said = child.stdout.readline().decode()
        return child, SimpleNamespace(host="127.0.0.1", port=int(re.search(r"port (\d+)", said)[1]))

    return start


def serve(peer):
    """Take one text and reply to it."""
    peer.answer(pdu := peer.read())
    peer.submit(text=b"Cam on!")
    peer.read()
    return pdu


def test_piped_texts_are_sent_and_replies_shown(command, bound):
    child, address = command()
    peer = bound(address)
    child.stdin.write(f"84905123456 {TEXT}\n".encode())
    child.stdin.close()
    child.stdin = None
    assert TEXT.encode() in serve(peer).body
    out, _ = child.communicate(timeout=10)
    assert 0 == child.returncode
    assert f"MO  84905123456  {TEXT}" in out.decode()
    assert "MT  84905123456  Cam on!" in out.decode()
    assert out.index(b"MO  84905123456") < out.index(b"MT  84905123456")


def test_letters_outside_gsm_go_out_as_ucs2_and_long_texts_in_parts(command, bound):
    child, address = command()
    peer = bound(address)
    child.stdin.write("84905123456 Nguyễn\n".encode())
    child.stdin.flush()
    assert "Nguyễn".encode("utf-16-be") in peer.read().body
    child.stdin.write(b"84905123456 " + b"x" * 200 + b"\n")
    child.stdin.flush()
    assert b"\x05\x00\x03" in peer.read().body
    assert b"\x05\x00\x03" in peer.read().body


def test_lines_that_are_no_texts_get_a_hint(command):
    child, _ = command("--wait", "0.1")
    out, errors = child.communicate(
        b"hello\n\n\xff\xfe x\n84905123456\n84905123456 hi\n", timeout=10
    )
    assert 4 == out.decode().count("not sent: ")
    assert "not sent: this line is not UTF-8" in out.decode()
    assert "no gateway has bound yet" in out.decode()
    assert 1 == child.returncode
    assert 1 == len(errors.splitlines())
    assert b"no gateway has bound" in errors


def test_missing_replies_are_counted(command, bound):
    child, address = command("--wait", "0.5")
    peer = bound(address)
    child.stdin.write(b"84905123456 one\n84914222333 two\n")
    child.stdin.close()
    child.stdin = None
    for _ in range(2):
        peer.answer(peer.read())
    _, errors = child.communicate(timeout=10)
    assert b"2 of 2 texts got no reply in 0.5 s" in errors
    assert 1 == child.returncode


def test_credentials_are_checked_when_given(command, connect):
    _, address = command("--password", "right")
    assert 0x0E == connect(address).bind(password="wrong").status
    assert 0 == connect(address).bind(password="right").status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_any_input_it_serves_until_a_signal(number, command, connect):
    child, address = command(stdin=subprocess.DEVNULL)
    assert 0 == connect(address).bind().status
    child.send_signal(number)
    _, errors = child.communicate(timeout=10)
    assert (0, b"") == (child.returncode, errors)


def test_port_in_use_is_one_line(smsgw):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = smsgw("smsc", "--port", taken.getsockname()[1])
    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "choose another --port" in done.stderr


def test_at_a_terminal_ctrl_d_ends_it(command):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    child, _ = command(stdin=follower)
    os.close(follower)
    os.write(leader, b"84905123456 hello\n\x04")
    out, errors = child.communicate(timeout=10)
    os.close(leader)
    assert (0, b"") == (child.returncode, errors)
    assert b"MO  84905123456  hello" in out


def test_line_with_an_exclamation_mark_plays_a_trick(command, bound):
    child, address = command()
    peer = bound(address)
    child.stdin.write(b"!help\n!nonsense\n!stray-octets 84905123456 hello\n")
    child.stdin.close()
    child.stdin = None
    pdu = peer.read()
    assert pdu.body.endswith(b"hello\0")
    peer.answer(pdu)
    out, _ = child.communicate(timeout=10)
    assert 0 == child.returncode
    assert "!flap [SECONDS [TEXTS]]" in out.decode()
    assert "not done: there is no !nonsense" in out.decode()
    assert "!stray-octets: over after" in out.decode()
