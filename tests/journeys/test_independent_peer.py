"""The same journey against an SMPP server that nobody here wrote: smpp34, from PyPI.

It is installed for the test alone, with pip, into a folder of its own; where that cannot be (no
network, no wheel for this machine) the test is skipped and says why, but never where CI=true.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.wire import QUICK, password_in

PACKAGE = "smpp34==1.5.0"

#: An SMSC on smpp34: texts come in as lines of JSON on standard input, replies leave on standard
#: output. Each reply is answered, then reported as delivered.
SERVER = """
import asyncio, json, sys, threading
import smpp34

def say(**words):
    print(json.dumps(words), flush=True)

async def main():
    loop, texts = asyncio.get_running_loop(), asyncio.Queue()
    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(texts.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(texts.put_nowait, None)
    threading.Thread(target=read, daemon=True).start()
    server = smpp34.Server(host="127.0.0.1", port=int(sys.argv[1]), system_id="independent")
    await server.start()
    say(event="listening")
    gateway = asyncio.get_running_loop().create_future()

    async def deliver():
        while (text := await texts.get()) is not None:
            answer = await (await gateway).deliver_sm(
                source_addr=text["from"], source_addr_ton=1, source_addr_npi=1,
                destination_addr="8188", data_coding=text["coding"],
                short_message=bytes.fromhex(text["octets"]),
            )
            say(event="answered", status=answer.command_status)
        await server.stop()
        say(event="stopped")

    async def receive():
        number = 0
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                gateway.set_result(event)
                say(event="bound")
            elif isinstance(event, smpp34.SubmitSmEvent):
                number += 1
                event.accept(f"{number:08x}")
                say(event="submit", to=event.destination_addr, source=event.source_addr,
                    coding=event.data_coding, text=event.short_message.decode("ascii"))
                receipt = f"id:{number:08x} sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
                await gateway.result().deliver_sm(
                    source_addr=event.destination_addr, destination_addr=event.source_addr,
                    source_addr_ton=1, source_addr_npi=1,
                    esm_class=4, short_message=receipt.encode(),
                )
            elif isinstance(event, smpp34.Unbound):
                say(event="unbound")

    receiving = asyncio.create_task(receive())
    await deliver()
    receiving.cancel()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder in which smpp34 is installed."""
    folder = tmp_path_factory.mktemp("smpp34")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*pip, "--only-binary=:all:", "--no-deps", "--target", str(folder), PACKAGE],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        reason = done.stderr.strip().splitlines()[-1:] if done.returncode else None
    except subprocess.TimeoutExpired:
        reason = ["pip did not come to an end within 60 s"]
    if reason is not None:
        words = f"{PACKAGE} cannot be installed here: {' '.join(reason)}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return folder


class Peer:
    """The independent SMSC, in its own process."""

    def __init__(self, folder, port):
        self.port = port
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
        )
        self.expect("listening")

    def expect(self, event):
        """Read what it says until this *event*; its words."""
        for line in self._process.stdout:
            said = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"it ended without {event!r}")

    def send(self, phone, text, *, ucs2=False):
        octets = text.encode("utf-16-be" if ucs2 else "ascii")
        words = {"from": phone, "coding": 8 if ucs2 else 0, "octets": octets.hex()}
        print(json.dumps(words), file=self._process.stdin, flush=True)

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def peer(package, free_port):
    peer = Peer(package, free_port)
    yield peer
    peer.close()


def test_journey_against_an_smsc_that_we_did_not_write(
    peer, config_file, daemon, smsgw, citizens, ledger
):
    an, binh = citizens(2)
    link = {"name": "peer", "host": "127.0.0.1", "port": peer.port}
    config = config_file(link | {"system_id": "smsgw", "password": "secret"} | QUICK)
    child = daemon(config)
    peer.expect("bound")

    peer.send(an.number, an.text)
    reply = peer.expect("submit")
    assert (an.number, "8188", 0) == (reply["to"], reply["source"], reply["coding"])
    assert ledger.password_lives(an.e164, password_in(reply["text"]))

    peer.send(binh.number, f"TK;Nguyễn Thị Đào;{binh.cmnd};1/2/1990", ucs2=True)
    assert password_in(peer.expect("submit")["text"])
    peer.send(binh.number, "xin chao")
    assert peer.expect("submit")["text"].startswith("Loi. Tin nhan sai cu phap.")
    peer.send(an.number, an.text + ".")
    assert peer.expect("submit")["text"].startswith("So CMND da duoc su dung")

    child.until(lambda: ledger.delivered() == 4, what="four receipts")
    assert 0 == smsgw("-c", config, "status").returncode
    assert 0 == child.terminate()
    assert [] == ledger.waiting()
    peer.expect("unbound")
