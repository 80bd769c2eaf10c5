"""How a link sends: MTs that wait for window and pace, and what the SMSC's answers say about both.

Knows the connection by which MTs can leave, and the desk to which every one of them goes back as a
result; no line and no state of a link.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from math import inf
from typing import assert_never

from smsgw.config import SmscSettings
from smsgw.desk import Desk
from smsgw.links.connection import TIMER_GRAIN_SECONDS, Connection
from smsgw.links.counts import Counts
from smsgw.links.held import Held
from smsgw.model import Mt, Postponed, Refused, SubmitResult, Taken, Unanswered
from smsgw.smpp.pace import BARRED_PAUSE, Pace

log = logging.getLogger("smsgw.links")

#: An MT that could not leave within this goes back to the outbox, well before its lease ends.
MAX_HOLD_SECONDS = 30.0


class Sending:
    """
    Args:
        sender: the connection by which MTs can leave now, if there is one.
        on_room: called when more may leave than before, though no answer came.
        on_fault: called when `fault` is another.
        on_settled: called after each answer, once `stop` was.
    """

    def __init__(
        self,
        smsc: SmscSettings,
        shortcode: str,
        desk: Desk,
        counts: Counts,
        *,
        sender: Callable[[], Connection | None],
        on_room: Callable[[], None],
        on_fault: Callable[[], None],
        on_settled: Callable[[], None],
    ) -> None:
        self._smsc = smsc
        self._name = smsc.name
        self._shortcode = shortcode
        self._desk = desk
        self._counts = counts
        self._sender = sender
        self._on_room, self._on_fault, self._on_settled = on_room, on_fault, on_settled
        self._pace = Pace(smsc.max_per_second)
        self._held = Held()
        self._fault: str | None = None
        self._stopping = self._gone = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at: dict[int, float] = {}  # of what awaits the SMSC's answer

    def __len__(self) -> int:
        """MTs that wait here for window or pace."""
        return len(self._held)

    @property
    def fault(self) -> str | None:
        """Why the SMSC takes no text of ours; None: it does, as far as we know."""
        return self._fault

    def keep_to(self, smsc: SmscSettings) -> None:
        """From now on, its `max_per_second`."""
        self._smsc = smsc
        self._pace.bind_to(smsc.max_per_second)

    def stop(self, reason: str) -> None:
        """Send nothing more; what waits goes back, and answers are still settled."""
        self._stopping = True
        self.give_back(reason)

    def forget(self) -> None:
        """Send nothing more, and give nothing back: another node has the link."""
        self._stopping = self._gone = True
        self.give_back("")

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def room(self, *, replies: bool = False) -> int:
        """How many more MTs are wanted now: enough to keep the window full, and no more than
        can leave before they would have to be given back.

        Args:
            replies: so many replies, which leave before all reminders that are held.
        """
        sender = self._sender()
        if sender is None or self._stopping or not sender.writable:
            return 0
        useful = 2 * self._smsc.window
        held = len(self._held.replies) if replies else len(self._held)
        if not self._pace.allowance(self._loop.time()):
            if self._pace.probing and held < useful:
                # What was refused already makes room for another one to ask with.
                held -= self._held.unwanted(replies=replies)
            useful = 1  # the next one, which wakes us when the pace allows it
        if self._smsc.max_per_second:
            useful = min(useful, max(1, int(self._smsc.max_per_second * MAX_HOLD_SECONDS / 2)))
        return max(0, useful - sender.session.in_flight - held)

    def send(self, mts: Sequence[Mt]) -> None:
        """Hold *mts* until `pump` may send them."""
        self._held.add(mts, self._loop.time())

    def take_back(self, mt_id: int) -> Mt | None:
        """Take an MT out of what waits; None: it is not here, or on its way already."""
        return self._held.take_one(mt_id)

    def pump(self, now: float) -> None:
        """Hand MTs to the session, as many as window and pace allow; `flush` writes them."""
        held = self._held
        if not (held.replies or held.reminders):
            return
        sender = self._sender()
        if sender is None or self._stopping:
            self.give_back("link lost")
            return
        count = 0
        if sender.writable:
            count = min(sender.session.room, self._pace.allowance(now), len(self._held))
            if count and self._pace.probing:
                self._held.choose_probe()
            told = log.isEnabledFor(logging.DEBUG)
            for mt in self._held.take(count):
                sender.session.submit(mt, now)
                if mt.asked_at is not None:
                    self._asked_at[mt.id] = mt.asked_at
                if told:
                    log.debug("mt link=%s mt=%d submitted", self._name, mt.id)
            self._counts.sent += count
            self._pace.sent(count, now)
        if self._held:
            self._set_timer(now, waits_for_pace=sender.writable and sender.session.room > 0)

    def settle(self, result: SubmitResult, now: float) -> None:
        """An MT that was sent has its answer, or never gets one."""
        counts = self._counts
        match result:
            case Taken():
                counts.taken += 1
                self._pace.accepted(now)
                self._held.forget_unwanted()
                if self._fault and not self._pace.barred:
                    self._heal()
            case Postponed():
                counts.postponed += 1
                self._slow_down(result, now)
            case Refused():
                counts.refused += 1
                if not self._pace.barred:
                    self._pace.accepted(now)  # the link, though not the text
            case Unanswered():
                counts.unanswered += 1
            case _:
                assert_never(result)
        asked_at = self._asked_at.pop(result.mt_id, None)
        if asked_at is not None and isinstance(result, Taken):
            counts.replied.add(now - asked_at)
        self._desk.settled(result, self._name)
        if self._stopping:
            self._on_settled()

    def _slow_down(self, result: Postponed, now: float) -> None:
        """What a refusal of one text says about the others."""
        if result.throttled:
            self._counts.throttled += 1
            self._pace.throttled(now)
        elif result.full_for:
            self._pace.full(result.full_for, now)
        elif result.barred:
            self._counts.barred += 1
            self._pace.source_refused(now)
            self._fall_ill(result.reason)
        else:
            return
        self._held.note_unwanted(result.mt_id)

    def _fall_ill(self, status: str) -> None:
        """The SMSC refuses our short code: somebody has to know."""
        smsc = self._smsc
        fault = (
            f"the carrier refuses our short code {self._shortcode}, {status}. Check source_ton and "
            f"source_npi of [[smsc]] {smsc.name}, and ask the carrier"
        )
        if fault != self._fault:
            self._fault = fault
            log.error(
                "link %s: %s; texts wait, one asks again each %d s", smsc.name, fault, BARRED_PAUSE
            )
            self._on_fault()

    def _heal(self) -> None:
        self._fault = None
        log.warning("link %s: the carrier takes our short code again", self._name)
        self._on_fault()

    def give_back(self, reason: str, since_before: float = inf) -> None:
        """Return MTs held since before that moment, so that nothing waits for its lease."""
        for mt in self._held.take_older(since_before):
            if self._gone:
                continue
            # Not the fault of this text: it is not counted as a try.
            self._desk.settled(Postponed(mt.id, reason, throttled=True), self._name)

    def _set_timer(self, now: float, waits_for_pace: bool) -> None:
        """Come back when the pace allows the next MT, or the oldest was held for too long."""
        at = self._held.oldest() + MAX_HOLD_SECONDS
        if waits_for_pace:
            at = min(at, self._pace.next_chance(now))
        at = max(at, now + TIMER_GRAIN_SECONDS)
        if self._timer is None or at < self._timer.when():
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        too_old = self._loop.time() - MAX_HOLD_SECONDS
        self.give_back(self._fault or "the link is too slow", too_old)
        self._on_room()
