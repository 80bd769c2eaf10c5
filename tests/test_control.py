"""The control socket: who is answered, who is asked, and that nobody waits for it."""

import asyncio
import json
import os
import socket
import stat
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from smsgw import asking, control
from smsgw.asking import NoDaemon
from smsgw.errors import Closed, SmsgwError

NOBODY = 65534
US = {0, os.geteuid()}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


async def echo(**arguments):
    return arguments


async def refuse(what):
    raise SmsgwError(f"no {what}", "ask for another")


async def hang():
    await asyncio.sleep(60)


async def fail():
    raise ValueError("201234567")


async def close(key):
    raise Closed(key)


VERBS: dict[str, Any] = {"echo": echo, "refuse": refuse, "close": close, "hang": hang, "fail": fail}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@asynccontextmanager
async def serving(path, database=Path("/nowhere")):
    daemon = control.Daemon(path, database, VERBS)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.close()


async def ask(path, verb, trusted=US, database=None, **arguments):
    call = partial(asking.ask, path, verb, arguments, trusted=trusted, database=database)
    return await asyncio.to_thread(call)


def run(dialogue):
    return asyncio.run(asyncio.wait_for(dialogue, 20))


@contextmanager
def as_nobody():
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# --- one question, one answer -------------------------------------------------------------------


def test_a_verb_is_asked_by_name_and_answered(path):
    async def dialogue():
        async with serving(path):
            return await ask(path, "echo", key="0905 123 456", reason=None)

    assert {"key": "0905 123 456", "reason": None} == run(dialogue())


def test_what_cannot_be_done_comes_back_in_its_own_words(path):
    async def dialogue():
        async with serving(path):
            await ask(path, "refuse", what="way")

    with pytest.raises(SmsgwError, match=r"^no way: ask for another$"):
        run(dialogue())


def test_refusal_comes_back_as_what_it_is(path):
    """So that a command has the same remedy for it as without a daemon."""

    async def dialogue():
        async with serving(path):
            await ask(path, "close", key="201234567")

    with pytest.raises(Closed, match=r"^account 201234567 is closed$"):
        run(dialogue())


BAD = {
    "no such verb": {"verb": "erase", "arguments": {}},
    "no such argument": {"verb": "refuse", "arguments": {"who": 1}},
    "no arguments": {"verb": "refuse"},
    "not an object": [1, 2],
    "verb is a list": {"verb": [], "arguments": {}},
}


@pytest.mark.parametrize("question", [*BAD.values(), "[" * 8000], ids=[*BAD, "deep"])
def test_a_question_that_the_daemon_does_not_know_is_refused(path, question):
    text = question if isinstance(question, str) else json.dumps(question)

    async def dialogue():
        async with serving(path):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(text.encode() + b"\n")
            answer = json.loads(await reader.readline())
            writer.close()
            return answer

    assert "does not know what is asked for" in run(dialogue())["problem"]


def test_a_fault_of_the_daemon_is_one_line_without_its_message(path):
    async def dialogue():
        async with serving(path):
            await ask(path, "fail")

    with pytest.raises(SmsgwError) as told:
        run(dialogue())
    assert "201234567" not in str(told.value)


def test_who_means_another_database_is_not_served(path, tmp_path):
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    ours.touch()
    theirs.touch()

    async def dialogue(database):
        async with serving(path, ours):
            return await ask(path, "echo", database=database)

    assert {} == run(dialogue(ours))
    with pytest.raises(SmsgwError, match="another database"):
        run(dialogue(theirs))


# --- the file -----------------------------------------------------------------------------------


def test_the_socket_is_for_its_owner_alone_whatever_the_umask(path):
    async def dialogue():
        async with serving(path):
            return stat.S_IMODE(path.stat().st_mode)

    before = os.umask(0)
    try:
        assert 0o600 == run(dialogue())
    finally:
        os.umask(before)


def test_the_socket_is_gone_with_the_daemon(path):
    async def dialogue():
        async with serving(path):
            assert path.exists()

    run(dialogue())
    assert not path.exists()


def test_a_path_longer_than_an_address_of_a_socket(tmp_path):
    folder = tmp_path.joinpath(*["deep" * 10] * 5)
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    assert len(os.fsencode(path)) > 107

    async def dialogue():
        async with serving(path):
            return await ask(path, "echo", n=1)

    assert {"n": 1} == run(dialogue())


def test_the_socket_of_a_daemon_that_died_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def dialogue():
        async with serving(path):
            return await ask(path, "echo", n=1)

    assert {"n": 1} == run(dialogue())


def test_the_socket_of_a_daemon_that_lives_is_not_taken(path):
    async def dialogue():
        async with serving(path):
            with pytest.raises(SmsgwError, match="another daemon's"):
                await control.Daemon(path, Path("/nowhere"), VERBS).start()
            return await ask(path, "echo", n=1)

    assert {"n": 1} == run(dialogue())


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_no_socket_is_left_alone(path, tmp_path, kind):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(precious)
    else:
        precious.rename(path)
        precious = path

    async def dialogue():
        async with serving(path):
            pass

    with pytest.raises(SmsgwError, match="no socket"):
        run(dialogue())
    assert "precious" == precious.read_text()


# --- who is at the other end --------------------------------------------------------------------


@needs_root
def test_a_stranger_is_not_answered():
    folder = Path(tempfile.mkdtemp())
    path = folder / "control.sock"

    async def dialogue():
        async with serving(path):
            folder.chmod(0o755)
            path.chmod(0o666)
            with as_nobody():
                stranger.connect(str(path))
            stranger.sendall(b'{"verb": "echo", "arguments": {}}\n')
            stranger.settimeout(10)
            try:
                return await asyncio.to_thread(stranger.recv, 100)
            except ConnectionResetError:
                return b""

    try:
        with socket.socket(socket.AF_UNIX) as stranger:
            assert b"" == run(dialogue())
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()


@needs_root
@pytest.mark.parametrize("owner", [NOBODY, 0], ids=["their file", "only their process"])
def test_a_strangers_socket_is_told_nothing(path, owner):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chown(path, owner, owner)
    with as_nobody():
        listener.listen()
    with pytest.raises(SmsgwError, match=f"belongs to uid {NOBODY}"):
        asking.ask(path, "echo", {"key": "201234567"}, trusted={0})
    listener.setblocking(False)
    told = b""
    with suppress(BlockingIOError):  # not even connected to
        theirs, _ = listener.accept()
        with theirs:
            told = theirs.recv(100)
    listener.close()
    assert b"" == told


@pytest.mark.parametrize("what", ["nothing", "no folder", "a file", "a dead socket"])
def test_where_no_daemon_is_nobody_answers(path, what):
    if what == "no folder":
        path = path / "control.sock"
    elif what == "a file":
        path.touch()
    elif what == "a dead socket":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    with pytest.raises(NoDaemon):
        asking.ask(path, "echo", {}, trusted=US)


# --- nobody waits -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["accepts nothing", "answers nothing"])
def test_a_daemon_that_does_not_answer_is_one_clear_line(path, how, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        others = []
        if how == "accepts nothing":
            for _ in range(2):
                others.append(socket.socket(socket.AF_UNIX))
                others[-1].setblocking(False)
                try:
                    others[-1].connect(str(path))
                except BlockingIOError:
                    break
        started = time.monotonic()
        with pytest.raises(SmsgwError, match=r"does not answer within 0\.3 s") as told:
            asking.ask(path, "echo", {}, trusted=US)
        assert not isinstance(told.value, NoDaemon)
        assert time.monotonic() - started < 5
        for other in others:
            other.close()


def test_a_daemon_that_hangs_up_is_one_clear_line(path):
    async def dialogue():
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), str(path))
        try:
            await ask(path, "echo")
        finally:
            server.close()

    with pytest.raises(SmsgwError, match="daemon"):
        run(dialogue())


def test_a_verb_that_hangs_is_given_up(path, monkeypatch):
    monkeypatch.setattr(control, "VERB_SECONDS", 0.1)

    async def dialogue():
        async with serving(path):
            await ask(path, "hang")

    with pytest.raises(SmsgwError, match=r"does not answer within 0\.1 s"):
        run(dialogue())


def test_silent_clients_shut_nobody_out(path):
    async def dialogue():
        async with serving(path):
            silent = [
                await asyncio.open_unix_connection(str(path))
                for _ in range(3 * control.MAX_CLIENTS)
            ]
            answer = await ask(path, "echo", n=1)
            for _, writer in silent:
                writer.close()
            return answer

    assert {"n": 1} == run(dialogue())


@pytest.mark.parametrize("octets", [b"x" * 100_000, b"x"], ids=["babbles", "dawdles"])
def test_who_babbles_or_dawdles_is_hung_up_on(path, octets, monkeypatch):
    monkeypatch.setattr(control, "LINE_SECONDS", 0.1)

    async def dialogue():
        async with serving(path):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(octets)
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    assert b"" == run(dialogue())
