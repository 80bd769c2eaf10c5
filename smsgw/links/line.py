"""One bind of a link, kept alive: connect, bind, hold, lose, wait, connect again.

Knows one connection at a time and its state; what a connection brings is the link's business.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from smsgw import clock
from smsgw.config import SmscSettings
from smsgw.leases import Tenure
from smsgw.links.backoff import Backoff, Ending
from smsgw.links.connect import ConnectFault, connect
from smsgw.links.connection import Connection
from smsgw.links.report import Report
from smsgw.links.resolver import Resolver
from smsgw.model import Address, Answer, LinkState, Mo, Receipt, SubmitResult, Taken
from smsgw.smpp.events import Bound, Watch
from smsgw.smpp.settings import BindMode, SessionSettings
from smsgw.smpp.statuses import Status

log = logging.getLogger("smsgw.links")


class Bearer(Protocol):
    """The link of a line. See `connection.Owner` for what of it connections speak to."""

    @property
    def name(self) -> str: ...

    @property
    def smsc(self) -> SmscSettings: ...

    @property
    def shortcode(self) -> str: ...

    @property
    def watch(self) -> Watch | None: ...

    @property
    def tenure(self) -> Tenure | None: ...

    def joined(self, connection: Connection) -> None:
        """A connection of the line is open."""

    def left(self, connection: Connection, ending: Ending) -> None:
        """It is gone, and the line has none."""

    def changed(self) -> None:
        """The state of a line is another."""

    def bound(self) -> None:
        """An SMSC accepted a bind."""

    def connected_to(self, line: "Line", peer: Any) -> None:
        """A line has reached an address (as a socket names it; None: nobody knows)."""

    def received(self, mo: Mo, ticket: int) -> Answer | None: ...
    def receipt(self, receipt: Receipt, ticket: int, session: int) -> Answer | None: ...
    def settle(self, result: SubmitResult, now: float) -> None: ...
    def taken_late(self, taken: Taken) -> None: ...
    def odd(self, kind: str, count: int = 1, detail: str = "") -> None: ...
    def has_told(self) -> None: ...
    def has_room(self) -> None: ...


def describe_smsc(says: Bound) -> str:
    """What an SMSC says of itself, in words."""
    name = f"calls itself {says.smsc_system_id}" if says.smsc_system_id else "says no name"
    version = says.interface_version
    if version is None:
        return f"{name}, and no version of SMPP"
    return f"{name}, SMPP {version >> 4}.{version & 15}"


class Line:
    """One bind of *link*; the `Owner` of its connections."""

    def __init__(self, link: Bearer, mode: BindMode) -> None:
        self._link = link
        self._mode = mode
        self._state = LinkState.CONNECTING
        self._reason: str | None = None
        self._next_try: datetime | None = None
        self._connection: Connection | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.watch, self.tenure = link.watch, link.tenure
        self._takes_over = link.tenure is not None  # until its first bind
        # What a connection brings goes to the link without a call in between: a text costs enough.
        self.received, self.receipt, self.settle = link.received, link.receipt, link.settle
        self.taken_late, self.odd = link.taken_late, link.odd
        self.has_told, self.has_room = link.has_told, link.has_room
        smsc = link.smsc
        self.settings = SessionSettings(
            link=smsc.name,
            system_id=smsc.system_id,
            password=smsc.password.get_secret_value(),
            system_type=smsc.system_type,
            mode=mode,
            window=smsc.window,
            enquire_link_interval=smsc.enquire_link_interval.total_seconds(),
            response_timeout=smsc.response_timeout.total_seconds(),
            alphabet=smsc.default_alphabet,
            receipts=smsc.receipts,
            validity_period=smsc.validity_period,
            source=Address(link.shortcode, smsc.source_ton, smsc.source_npi),
        )
        self._resolver = Resolver()
        self._report = self._new_report()
        self._wanted = asyncio.Event()  # somebody does not want to wait for the next try
        self._backoff = Backoff(
            smsc.reconnect_min.total_seconds(), smsc.reconnect_max.total_seconds()
        )

    def __str__(self) -> str:
        kind = "" if self._mode is BindMode.TRANSCEIVER else f" {self._mode}"
        return f"link {self._link.name}{kind}"

    # --- what the link sees -----------------------------------------------------------------

    @property
    def mode(self) -> BindMode:
        return self._mode

    @property
    def state(self) -> LinkState:
        return self._state

    @property
    def reason(self) -> str | None:
        """Why it is not bound."""
        return self._reason

    @property
    def next_try(self) -> datetime | None:
        """When it connects again, where it waits for that."""
        return self._next_try

    @property
    def sender(self) -> Connection | None:
        """The connection by which MTs can leave, if one is bound."""
        bound = self._mode.transmits and self._state is LinkState.BOUND
        return self._connection if bound else None

    def start(self) -> "asyncio.Task[None]":
        """Hold the bind until `stop`; the task ends with the last connection."""
        self._task = asyncio.create_task(self._keep(), name=str(self))
        return self._task

    def try_now(self) -> Report:
        """What the try for the bind comes to that there is, or was; while the line waits for the
        next one, that begins now."""
        if self._state is LinkState.WAITING and self._report.over.is_set():
            self._report = self._new_report()
            self._wanted.set()
        return self._report

    @property
    def connection(self) -> Connection | None:
        """The one that there is, bound or not."""
        return self._connection

    def _new_report(self) -> Report:
        return Report(self._mode, asyncio.get_running_loop().time)

    def stop(self) -> None:
        """Begin no connection any more; one that there is goes on until its end."""
        self._stopping = True
        if self._connection is None:
            self._report.fails("the link ends")
        if self._task and self._connection is None:
            self._task.cancel()

    # --- what a connection tells ------------------------------------------------------------

    @property
    def smsc(self) -> SmscSettings:
        return self._link.smsc

    def made(self, connection: Connection) -> None:
        self._connection = connection
        self._link.joined(connection)

    def bound(self, smsc_system_id: str) -> None:
        smsc = self._link.smsc
        log.info("%s: bound to %s:%d (%s)", self, smsc.host, smsc.port, smsc_system_id)
        self._report.done(f"as {smsc.system_id}")
        connection = self._connection
        if connection is not None:
            self._report.notes("smsc", describe_smsc(connection.says))
        self._report.over.set()
        self._takes_over = False
        self._link.bound()
        self._change(LinkState.BOUND, None)

    def ended(self, connection: Connection, ending: Ending) -> None:
        self._connection = None
        self._link.left(connection, ending)

    # --- life -------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Hold the bind; never two connections at once."""
        while not self._stopping:
            self._wanted.clear()
            if self._report.over.is_set():
                self._report = self._new_report()
            self._change(LinkState.CONNECTING, self._reason)
            try:
                connection = await connect(
                    self._link.smsc, lambda: Connection(self), self._resolver, self._report
                )
                self._report.begins("bind")
                self._link.connected_to(self, connection.peer)
                ending = await connection.over
            except ConnectFault as fault:
                ending = Ending(str(fault))
            except Exception:
                log.exception("%s: a fault of the gateway", self)
                ending = Ending("fault of the gateway; see the log")
            self._report.fails(ending.reason, ending.status)
            if self._stopping:
                return
            delay = self._backoff.after(ending)
            if self._takes_over and ending.status == Status.RALYBND:
                # The SMSC has not yet seen that the node before us is gone.
                delay = self._link.smsc.reconnect_min.total_seconds()
            log.warning("%s: %s; next try in %.1f s", self, ending.reason, delay)
            self._change(LinkState.WAITING, ending.reason, clock.now() + timedelta(seconds=delay))
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wanted.wait()

    def _change(
        self, state: LinkState, reason: str | None, next_try: datetime | None = None
    ) -> None:
        self._state, self._reason, self._next_try = state, reason, next_try
        self._link.changed()
