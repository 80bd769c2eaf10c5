"""Two gateways, each on a host of its own, and what the one carrier of both sees of them."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from smsgw.simulator import Handle, Record, Smsc, SmscThread, What, toml
from smsgw.smpp.pdu import Bind, DeliverSmResp, SubmitSm
from tests.cluster.network import Host
from tests.conftest import SMSGW, Daemon

#: The carrier asks so often whether a session lives, and ends one that says nothing so long.
_ASKED, _PATIENCE = 1.0, 3.0
#: A machine whose clock is wrong; what counts seconds on it stays right.
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


class Node:
    """A gateway on its host; `start` brings it back after whatever ended it."""

    def __init__(self, host: Host, folder: Path, smsc: SmscThread, url: str, lease: int) -> None:
        self.host = host
        self.folder = folder / host.name
        self.folder.mkdir()
        self.config = self.folder / "config.toml"
        document = {
            "gateway": {
                "database": url,
                "node": host.name,
                "lease": f"{lease}s",
                "secret_key_file": str(folder / "secret.key"),
            },
            "registration": {"password_stock": 400},
            # Who binds is told by its system_type.
            "smsc": [smsc.link("viettel", reconnect_max="2s", system_type=host.name)],
        }
        self.config.write_text(toml.dumps(document))
        self.config.chmod(0o600)
        self.daemon: Daemon | None = None
        self._starts = 0

    def start(self, *, wrong_by: str = "") -> None:
        """Start its daemon; with a clock that is *wrong_by* ("+1h")."""
        self._starts += 1
        place = {"STATE_DIRECTORY": str(self.folder)}
        if wrong_by:
            place |= {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME": wrong_by,
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }  # fmt: skip
        log = self.folder / f"daemon{self._starts}.log"
        self.daemon = Daemon(self.config, log, place, self.host.command(*SMSGW))

    def running(self) -> Daemon:
        assert self.daemon is not None
        return self.daemon

    def freeze(self) -> None:
        os.kill(self.running().pid, signal.SIGSTOP)

    def thaw(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.running().pid, signal.SIGCONT)

    def tracebacks(self) -> list[str]:
        logs = self.folder.glob("daemon*.log")
        return [f"a traceback in {log}" for log in logs if "Traceback" in log.read_text()]


class Sight(NamedTuple):
    """What the carrier saw while one thing happened; times are seconds since then."""

    taken: float | None  #: first bind of the new owner
    first: float | None  #: its first text
    last: float | None  #: last text of the old owner
    after: int  #: texts and acknowledgements of the old owner after the new one first asked to bind
    beside: int  #: binds taken while another session of the link was bound
    refused: int  #: binds
    silence: float  #: the longest time without a text


class Carrier:
    """A carrier that allows one bind, and citizens who text it all the time."""

    def __init__(self, smsc: SmscThread, per_second: float) -> None:
        self.smsc = smsc
        self.people = 0
        self.handles: dict[str, Handle] = {}  #: by E.164, one text each
        self._pause = 1 / per_second
        self._ended = threading.Event()
        self._texting = threading.Event()
        self._threads = [
            threading.Thread(target=step, daemon=True) for step in (self._text, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    def _text(self) -> None:
        while not self._ended.wait(self._pause):
            if self._texting.is_set():
                self.people += 1
                phone = f"8490{self.people:07d}"
                words = f"TK,Nguyen Van An,{200_000_000 + self.people},01.02.1990"
                self.handles[f"+{phone}"] = self.smsc.send_mo(phone, words)

    def _watch(self) -> None:
        """End sessions whose other end says nothing, as an SMSC does."""
        while not self._ended.wait(_ASKED):
            for session in self.smsc.bound:
                try:
                    self.smsc.enquire_link(session, timeout=_PATIENCE)
                except TimeoutError:
                    self._drop(session)
                except (ConnectionError, KeyError):
                    pass

    def _drop(self, number: int) -> None:
        def drop(smsc: Smsc) -> None:
            if number in smsc.sessions:
                smsc.sessions[number].drop("reset")

        self.smsc.call(drop)

    @contextmanager
    def traffic(self) -> Iterator[None]:
        self._texting.set()
        try:
            yield
        finally:
            self._texting.clear()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def records(self) -> list[Record]:
        return self.smsc.records

    def owner(self) -> str | None:
        """The node whose session is bound."""
        names = self.smsc.call(
            lambda smsc: [session.bind.system_type for session in smsc.bound if session.bind]
        )
        return names[0] if names else None

    def texts_of(self, name: str, since: int) -> list[Record]:
        """Texts that came from *name*, of the records from *since* on."""
        sessions = _sessions(self.records())
        return [
            r for r in self.records()[since:] if _is_text(r) and sessions.get(r.session) == name
        ]

    def sight(self, since: int, at: float, old: str | None) -> Sight:
        """What was seen from record *since* on; *old* had the link at the moment *at*."""
        records = self.records()
        sessions = _sessions(records)
        seen = records[since:]
        others = [r for r in seen if old and sessions.get(r.session, old) != old]
        asked = next((r.at for r in others if r.what in (What.BOUND, What.REFUSED)), None)
        texts = [r.at for r in seen if _is_text(r)]
        times = [at, *(t for t in texts if t >= at)]
        return Sight(
            taken=_first(r.at - at for r in others if r.what is What.BOUND),
            first=_first(r.at - at for r in others if _is_text(r)),
            last=_last(r.at - at for r in seen if _is_text(r) and sessions.get(r.session) == old),
            after=sum(
                asked is not None and r.at > asked and sessions.get(r.session) == old and _acts(r)
                for r in _until_back(seen, sessions, old, asked)
            ),
            beside=_beside(records, since),
            refused=sum(r.what is What.REFUSED for r in seen),
            silence=max((b - a for a, b in pairwise(times)), default=0.0),
        )


def _sessions(records: list[Record]) -> dict[int, str]:
    """Which node each session is of."""
    return {
        r.session: r.pdu.system_type
        for r in records
        if r.what in (What.BOUND, What.REFUSED) and isinstance(r.pdu, Bind)
    }


def _is_text(record: Record) -> bool:
    return record.what is What.RECEIVED and isinstance(record.pdu, SubmitSm)


def _acts(record: Record) -> bool:
    """It is a text, or says of a citizen's text that it is kept."""
    answer = record.pdu if record.what is What.RECEIVED else None
    return _is_text(record) or (isinstance(answer, DeliverSmResp) and answer.status == 0)


def _until_back(
    seen: list[Record], sessions: dict[int, str], old: str | None, asked: float | None
) -> Iterator[Record]:
    """Up to where the old owner itself binds anew, as one that got the link back."""
    for record in seen:
        again = asked is not None and record.at > asked and record.what is What.BOUND
        if again and sessions[record.session] == old:
            return
        yield record


def _beside(records: list[Record], since: int) -> int:
    bound: set[int] = set()
    found = 0
    for place, record in enumerate(records):
        if record.what is What.BOUND:
            found += bool(bound) and place >= since
            bound.add(record.session)
        elif record.what is What.CLOSED:
            bound.discard(record.session)
    return found


def _first(times: Iterator[float]) -> float | None:
    return next((time for time in times if time >= 0), None)


def _last(times: Iterator[float]) -> float | None:
    return max(times, default=None)


def now() -> float:
    """The carrier's clock."""
    return time.monotonic()
