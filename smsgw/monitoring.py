"""What monitoring asks of the daemon: everything that is counted, and what is wrong.

Knows where each number stands; `metrics` knows how it is told.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from smsgw import clock
from smsgw.census import Census, Outbox
from smsgw.desk import Desk
from smsgw.links import Links
from smsgw.metrics import Measured, Sample
from smsgw.model import LinkState, Outcome
from smsgw.passwords import Stock
from smsgw.store import Store
from smsgw.worker import Worker

#: A reply that is due for so long without having left is a reason to look.
OVERDUE = timedelta(minutes=5)
#: A store that does not answer within this is not well.
STORE_PATIENCE_SECONDS = 3.0
#: Of the outbox, each time that monitoring asks: 10,000 texts, some 5 ms of the store's thread.
PIECES_AT_ONCE = 10


class Monitoring:
    """Reads what others count."""

    def __init__(
        self, desk: Desk, store: Store, worker: Worker, stock: Stock, links: Links
    ) -> None:
        self._desk = desk
        self._worker = worker
        self._stock = stock
        self._links = links
        self._census = Census(store)
        self._outbox = Measured(self._count)

    async def _count(self) -> Outbox | str:
        """What waits in the outbox, or why the store says nothing."""
        try:
            for _ in range(PIECES_AT_ONCE):  # in between, traffic commits
                async with asyncio.timeout(STORE_PATIENCE_SECONDS):
                    if await self._worker.do(self._census.step):
                        break
            return self._census.outbox
        except TimeoutError:
            return f"the store does not answer within {STORE_PATIENCE_SECONDS:g} s"
        except Exception as fault:
            return f"the store fails: {fault}"

    async def ailments(self) -> list[str]:
        """What is wrong, in words; nothing if the gateway does its work."""
        reasons = []
        states = self._links.states()
        if not any(state is LinkState.BOUND for state, _ in states.values()):
            said = (f"{name} {state} ({reason})" for name, (state, reason) in states.items())
            reasons.append(f"no link is bound: {', '.join(said)}")
        outbox = await self._outbox()
        if isinstance(outbox, str):
            reasons.append(outbox)
        elif outbox.oldest_queued and clock.now() - outbox.oldest_queued > OVERDUE:
            reasons.append(f"a reply waits since {outbox.oldest_queued:%Y-%m-%dT%H:%M:%SZ}")
        if self._desk.trouble:
            reasons.append(f"the store takes nothing: {self._desk.trouble}")
        return reasons

    async def samples(self) -> Iterable[Sample]:
        """Everything that is counted, at this moment."""
        samples = [
            Sample("smsgw_passwords_ready", "Issued passwords hashed ahead.", len(self._stock)),
        ]
        outbox = await self._outbox()
        works = not isinstance(outbox, str) and not self._desk.trouble
        samples.append(Sample("smsgw_store_up", "1 while the store takes messages.", works))
        if not isinstance(outbox, str):
            samples += (
                Sample("smsgw_outbox_queued", "Replies that no SMSC has taken.", outbox.queued),
                Sample("smsgw_outbox_held", "Of these, what no SMSC answered.", outbox.held),
                Sample("smsgw_outbox_failed", "Replies given up.", outbox.failed),
            )
        for outcome in Outcome:
            count = self._desk.outcomes[outcome]
            help_text = "Texts of citizens decided and stored."
            samples.append(Sample("smsgw_mo_total", help_text, count, {"outcome": outcome}))
        samples += (
            Sample(f"smsgw_link_{name}", meaning, value, labels)
            for name, meaning, value, labels in self._links.measure()
        )
        return samples
