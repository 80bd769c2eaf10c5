"""The simulated SMSC for code that blocks: tests, the demo, `smsgw smsc`.

`SmscThread` runs an `Smsc` in a thread and loop of its own. Its verbs mean what those of `Smsc`
mean, may be called from any thread, and wait with a deadline where there is something to wait
for. Every deadline ends in a `TimeoutError` that says what happened last.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from smsgw.model import Address
from smsgw.simulator import floods, texts
from smsgw.simulator.handle import Handle
from smsgw.simulator.receipts import Dialect
from smsgw.simulator.session import Action, Session
from smsgw.simulator.smsc import Smsc
from smsgw.simulator.texts import Coding, Numbering
from smsgw.simulator.tricks import Odd
from smsgw.simulator.words import Manners, Point, Record, Silence, Submit
from smsgw.smpp.pdu import DataSm, DeliverSm
from smsgw.smpp.statuses import Status

T = TypeVar("T")


class SmscThread:
    """A simulated SMSC in its own thread; a context manager."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        shortcode: str = "8188",
        **manners: Any,
    ) -> None:
        """
        Args:
            port: 0 for any free one; `port` has it after `start`.
            tls: a server context, to speak TLS.
            shortcode: where citizens' texts go.
            manners: fields of `Manners`, all of which can be changed later through `manners`.
        """
        self.smsc = Smsc(Manners(**manners), host=host, port=port, tls=tls)
        self.shortcode = shortcode
        self.faults: list[str] = []  #: errors of the simulator itself; always a defect
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._fault)
        self._thread = threading.Thread(target=self._loop.run_forever, name="smsc", daemon=True)

    # --- life ---

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        if not self._thread.is_alive():
            self._thread.start()
        self._run(self.smsc.start())
        return self

    def stop(self, how: str = "close") -> None:
        """Listen no more and drop all connections; `start` comes back on the same port."""
        self._run(self.smsc.stop(how))

    def close(self) -> None:
        """End for good; twice does no harm."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- what there is ---

    @property
    def host(self) -> str:
        return self.smsc.host

    @property
    def port(self) -> int:
        return self.smsc.port

    @property
    def manners(self) -> Manners:
        """How the SMSC is; fields may be set from any thread."""
        return self.smsc.manners

    @property
    def submits(self) -> list[Submit]:
        """Every submit_sm so far, in order."""
        return list(self.smsc.submits)

    @property
    def records(self) -> list[Record]:
        """Everything that happened so far, in order."""
        return list(self.smsc.records)

    @property
    def bound(self) -> list[int]:
        """The numbers of the sessions that are bound now, oldest first."""
        return self.call(lambda smsc: [session.id for session in smsc.bound])

    @property
    def binds(self) -> int:
        """How many binds were accepted, ever."""
        return self.smsc.binds

    def link(self, name: str = "simulator", **settings: object) -> dict[str, object]:
        """A `[[smsc]]` table of the gateway's configuration that leads here."""
        return {
            "name": name,
            "host": self.host,
            "port": self.port,
            "system_id": "smsgw",
            "password": "secret",
        } | settings

    # --- citizens' texts and receipts ---

    def send_mo(
        self,
        phone: str | Address,
        text: str | bytes,
        *,
        to: str | Address | None = None,
        coding: Coding | str | None = None,
        data_coding: int | None = None,
        esm_class: int = 0,
        header: bytes = b"",
        tlvs: dict[int, bytes] | None = None,
        payload: bool = False,
        session: int | None = None,
        redeliver: bool | None = None,
    ) -> Handle:
        """Send one text as one deliver_sm (see `texts.mo`); waits until a session can take it."""
        pdu = texts.mo(
            phone,
            text,
            to=to or self.shortcode,
            coding=coding,
            data_coding=data_coding,
            esm_class=esm_class,
            header=header,
            tlvs=tlvs,
            payload=payload,
        )
        return self.deliver(pdu, session=session, redeliver=redeliver)

    def send_parts(
        self,
        phone: str | Address,
        text: str,
        *,
        to: str | Address | None = None,
        coding: Coding | str | None = None,
        numbering: Numbering | str = Numbering.UDH8,
        ref: int = 1,
        size: int | None = None,
        session: int | None = None,
    ) -> list[Handle]:
        """Send a long text in parts, in order (see `texts.parts`)."""
        made = texts.parts(
            phone,
            text,
            to=to or self.shortcode,
            coding=coding,
            numbering=numbering,
            ref=ref,
            size=size,
        )
        return self.deliver_all(made, session=session)

    def send_text(self, phone: str | Address, text: str) -> list[Handle]:
        """Send what a citizen typed as a phone would: in one SMS, or in parts if it is long."""
        if texts.fits_one(text):
            return [self.send_mo(phone, text)]
        return self.send_parts(phone, text)

    def deliver(
        self, pdu: DeliverSm | DataSm, *, session: int | None = None, redeliver: bool | None = None
    ) -> Handle:
        return self.deliver_all([pdu], session=session, redeliver=redeliver)[0]

    def deliver_all(
        self,
        pdus: Iterable[DeliverSm | DataSm],
        *,
        session: int | None = None,
        redeliver: bool | None = None,
    ) -> list[Handle]:
        """Send many deliver_sm at once; cheaper than one by one."""

        def deliver(smsc: Smsc) -> list[Handle]:
            return [
                Handle(self, smsc.deliver(pdu, session=session, redeliver=redeliver))
                for pdu in pdus
            ]

        return self.call(deliver)

    def receipt(
        self,
        submit: Submit,
        *,
        state: str | None = None,
        error: str = "000",
        dialect: Dialect | None = None,
        session: int | None = None,
    ) -> Handle:
        """Send a delivery receipt for *submit*."""
        return self.call(
            lambda smsc: Handle(
                self,
                smsc.receipt(submit, state=state, error=error, dialect=dialect, session=session),
            )
        )

    # --- odd texts and floods (see `tricks`); each ends by itself ---

    def send_odd(self, *odds: Odd, session: int | None = None) -> list[Handle]:
        """Send these at once, one behind the other."""

        def deliver(smsc: Smsc) -> list[Handle]:
            return [
                Handle(self, smsc.deliver(odd.pdu, session=session, tail=odd.tail)) for odd in odds
            ]

        return self.call(deliver)

    def pour(
        self, made: Iterable[Odd], per_second: float = 0, *, redeliver: bool = False
    ) -> list[Handle]:
        return [
            Handle(self, delivery)
            for delivery in self._run(floods.pour(self.smsc, made, per_second, redeliver=redeliver))
        ]

    def flap(self, made: Iterator[Odd], seconds: float, at_once: int) -> int:
        return self._run(floods.flap(self.smsc, made, seconds, at_once))

    def trickle(self, octets: bytes, every: float) -> float:
        return self._run(floods.trickle(self.smsc, octets, every))

    def small_pdus(self, seconds: float) -> int:
        return self._run(floods.small_pdus(self.smsc, seconds))

    # --- switches ---

    def answer_next(self, *statuses: int) -> None:
        self.call(lambda smsc: smsc.answer_next(*statuses))

    def answer_to(self, number: str, status: int | None) -> None:
        self.call(lambda smsc: smsc.answer_to(number, status))

    def throttle(
        self, count: int = 0, *, per_second: float | None = None, status: int = Status.RTHROTTLED
    ) -> None:
        self.call(lambda smsc: smsc.throttle(count, per_second=per_second, status=status))

    def fill_queue(self, *numbers: str) -> None:
        self.call(lambda smsc: smsc.fill_queue(*numbers))

    def refuse_source(self, status: int | None = Status.RINVSRCADR) -> None:
        self.call(lambda smsc: smsc.refuse_source(status))

    def swallow(self, swallows: bool = True) -> None:
        self.call(lambda smsc: smsc.swallow(swallows))

    def silence(self, *kinds: Silence | str) -> None:
        self.call(lambda smsc: smsc.silence(*kinds))

    def stall(self, stalled: bool = True) -> None:
        self.call(lambda smsc: smsc.stall(stalled))

    def at(self, point: Point, action: Action, times: int = 1) -> None:
        """Run *action* in the SMSC's thread when a message is at *point*."""
        self.call(lambda smsc: smsc.at(point, action, times))

    def drop_at(self, point: Point, times: int = 1, how: str = "close") -> None:
        self.call(lambda smsc: smsc.drop_at(point, times, how))

    def drop(self, how: str = "close") -> None:
        self.call(lambda smsc: smsc.drop(how))

    def send_raw(self, octets: bytes, session: int | None = None) -> None:
        self.call(lambda smsc: smsc.send_raw(octets, session))

    def unbind(self, session: int | None = None, timeout: float = 10) -> None:
        self._run(self.smsc.unbind(session, timeout))

    def enquire_link(self, session: int | None = None, timeout: float = 10) -> float:
        return self._run(self.smsc.enquire_link(session, timeout))

    # --- waiting ---

    def wait_submit(
        self, timeout: float = 10, *, to: str | None = None, text: str | None = None
    ) -> Submit:
        """The oldest submit_sm that this has not returned before (see `Smsc.next_submit`)."""
        return self._run(self.smsc.next_submit(timeout, to=to, text=text))

    def wait_submits(self, count: int, timeout: float = 30) -> list[Submit]:
        """All submits so far, once there are *count*."""
        self.until(lambda smsc: len(smsc.submits) >= count, timeout, f"{count} submits")
        return self.submits

    def wait_bound(self, count: int = 1, timeout: float = 10) -> list[int]:
        """The numbers of the bound sessions, once there are *count*."""

        def bound(smsc: Smsc) -> list[int] | None:
            numbers = [session.id for session in smsc.bound]
            return numbers if len(numbers) >= count else None

        return self.until(bound, timeout, f"{count} bound sessions") or []

    def wait_binds(self, count: int, timeout: float = 10) -> None:
        """Wait until *count* binds were accepted since the start; see `binds`."""
        self.until(lambda smsc: smsc.binds >= count, timeout, f"{count} binds")

    def wait_gone(self, session: int | None = None, timeout: float = 10) -> None:
        """Wait until that session, or every one, is closed."""

        def gone(smsc: Smsc) -> bool:
            return session not in smsc.sessions if session else not smsc.sessions

        self.until(gone, timeout, "sessions closed")

    def wait_record(
        self, matches: Callable[[Record], bool], timeout: float = 10, *, since: int = 0
    ) -> Record:
        """The first record from index *since* on that *matches*, past or to come."""
        looked = since

        def found(smsc: Smsc) -> Record | None:
            nonlocal looked
            while looked < len(smsc.records):
                looked += 1
                if matches(smsc.records[looked - 1]):
                    return smsc.records[looked - 1]
            return None

        result = self.until(found, timeout, "a record")
        assert result  # noqa: S101  until returns what is true
        return result

    def until(
        self, happened: Callable[[Smsc], T], timeout: float = 10, what: str = "what was expected"
    ) -> T:
        """Wait until *happened* returns something true; it runs in the SMSC's thread."""
        return self._run(self.smsc.until(lambda: happened(self.smsc), timeout, what))

    def session(self, number: int) -> Session:
        """The session itself, for `call`."""
        return self.smsc.sessions[number]

    def call(self, verb: Callable[[Smsc], T]) -> T:
        """Run *verb* in the SMSC's thread and return its result."""

        async def run() -> T:
            return verb(self.smsc)

        return self._run(run())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")
