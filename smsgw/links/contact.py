"""First contact with a carrier from a process of its own: where no daemon has the link.

Binds once, as the daemon would, by the same `Line`; then some round trips, one text if that is
wanted, and an unbind. It is a visitor: citizens' texts and receipts of others that come meanwhile
are told to come again, so that none is lost.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from smsgw.config import SmscSettings
from smsgw.leases import Tenure
from smsgw.links.backoff import Ending
from smsgw.links.connection import Connection
from smsgw.links.line import Line
from smsgw.links.link import MODES
from smsgw.links.report import Report, Step
from smsgw.links.trial import PATIENCE_SECONDS, measure_round_trips
from smsgw.model import (
    Answer,
    Mo,
    Mt,
    MtState,
    Receipt,
    SubmitResult,
    Taken,
)
from smsgw.smpp.events import Watch

#: How long a receipt is waited for.
RECEIPT_SECONDS = 20.0


class Visitor:
    """The `line.Bearer` of one visit."""

    watch: Watch | None = None
    tenure: Tenure | None = None

    def __init__(self, smsc: SmscSettings, shortcode: str, text: Mt | None) -> None:
        self._text = text
        self.smsc, self.shortcode, self.name = smsc, shortcode, smsc.name
        loop = asyncio.get_running_loop()
        self.result: asyncio.Future[SubmitResult] = loop.create_future()
        self.receipts: asyncio.Queue[Receipt] = asyncio.Queue()
        self.turned_away = 0  #: texts of citizens, and receipts
        self.oddities: dict[str, int] = {}
        self._connections: set[Connection] = set()

    # What it does not look at.
    def changed(self) -> None: ...
    def bound(self) -> None: ...
    def has_room(self) -> None: ...
    def taken_late(self, taken: Taken) -> None: ...
    def connected_to(self, line: Line, peer: Any) -> None: ...

    def joined(self, connection: Connection) -> None:
        self._connections.add(connection)

    def left(self, connection: Connection, ending: Ending) -> None:
        self._connections.discard(connection)
        for result in connection.session.abandon(ending.reason):
            self.settle(result, 0.0)

    def received(self, mo: Mo, ticket: int) -> Answer | None:
        self.turned_away += 1
        return Answer.LATER

    def receipt(self, receipt: Receipt, ticket: int, session: int) -> Answer | None:
        if self._is_ours(receipt):
            self.receipts.put_nowait(receipt)
            return Answer.OK
        self.turned_away += 1
        return Answer.LATER

    def _is_ours(self, receipt: Receipt) -> bool:
        """Whether it is about our text: by its id letter for letter, or in another writing and
        with our phone."""
        taken = self.result.result() if self.result.done() else None
        if not isinstance(taken, Taken) or self._text is None:
            return False
        ours, its = taken.smsc_id.strip(), receipt.smsc_id.strip()
        if ours == its:
            return True
        phone = receipt.phone.number.lstrip("+0")
        return (
            bool(phone)
            and self._text.to.number.endswith(phone)
            and bool(_readings(ours) & _readings(its))
        )

    def settle(self, result: SubmitResult, now: float) -> None:
        if not self.result.done():
            self.result.set_result(result)

    def odd(self, kind: str, count: int = 1, detail: str = "") -> None:
        self.oddities[kind] = self.oddities.get(kind, 0) + count

    def has_told(self) -> None:
        for connection in list(self._connections):
            connection.flush()


def _readings(smsc_id: str) -> set[int]:
    """What an id says, in decimal or hexadecimal."""
    found = set()
    for base in (10, 16):
        with suppress(ValueError):
            found.add(int(smsc_id, base))
    return found


async def visit(
    smsc: SmscSettings, shortcode: str, text: Mt | None, tell: Callable[[Step], None]
) -> None:
    """Bind once as *smsc* says, and send *text* if there is one.

    Args:
        tell: called with each step, as it is over.
    """
    visitor = Visitor(smsc, shortcode, text)
    lines = [Line(visitor, mode) for mode in MODES[smsc.bind]]
    tasks = [line.start() for line in lines]
    try:
        works = True
        for line in lines:
            works = await _bind(line, tell) and works
        for line in lines if works else ():
            if line.connection is not None:
                tell(await measure_round_trips(line.mode, line.connection))
        if works and text is not None:
            await _send(visitor, lines, text, tell)
        if visitor.turned_away:
            said = f"{visitor.turned_away} texts or receipts came, and were told to come again"
            tell(Step("", "note", True, said))
        if visitor.oddities:
            said = ", ".join(f"{kind} {count}" for kind, count in visitor.oddities.items())
            tell(Step("", "oddities", True, said))
    finally:
        await _leave(lines, tasks, smsc.response_timeout.total_seconds())


async def _bind(line: Line, tell: Callable[[Step], None]) -> bool:
    """Tell the steps of the first try as they come; whether it is bound."""
    report = line.try_now()
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await report.over.wait()
    report.fails(f"not over after {PATIENCE_SECONDS:g} s")
    for step in report.steps:
        tell(step)
    if not report.steps[-1].ok:
        line.stop()  # no second try
        return False
    return True


async def _send(
    visitor: Visitor, lines: list[Line], text: Mt, tell: Callable[[Step], None]
) -> None:
    [(mode, sender)] = [(line.mode, line.sender) for line in lines if line.mode.transmits]
    loop = asyncio.get_running_loop()
    report = Report(mode, loop.time)
    report.begins("send")
    if sender is None:
        report.fails("the session ended")
        tell(report.steps[-1])
        return
    sender.session.submit(text, loop.time())
    sender.flush()
    result = await visitor.result
    if not isinstance(result, Taken):
        report.fails(result.reason)
        tell(report.steps[-1])
        return
    report.done(f"taken as {result.smsc_id}")
    tell(report.steps[-1])
    if not visitor.smsc.receipts:
        return
    report.begins("receipt")
    try:
        async with asyncio.timeout(RECEIPT_SECONDS):
            while (receipt := await visitor.receipts.get()).state is None:
                pass  # not final
    except TimeoutError:
        report.fails(f"no receipt within {RECEIPT_SECONDS:g} s")
    else:
        if receipt.state is MtState.DELIVERED:
            report.done(receipt.reason)
        else:
            report.fails(receipt.reason)
    tell(report.steps[-1])


async def _leave(lines: list[Line], tasks: "list[asyncio.Task[None]]", patience: float) -> None:
    """Unbind, and wait for it."""
    for line in lines:
        line.stop()
        if line.connection is not None:
            line.connection.unbind()
    await asyncio.wait(tasks, timeout=patience)
    for line in lines:
        if line.connection is not None:
            line.connection.drop("the SMSC did not answer our unbind")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
