"""Everything that happened at an SMSC, in order, and whoever waits for something to happen."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from smsgw.simulator.session import Session
from smsgw.simulator.words import Delivery, Record, Submit

T = TypeVar("T")


class Records:
    """The part of an SMSC that remembers."""

    loop: asyncio.AbstractEventLoop
    sessions: dict[int, Session]
    deliveries: list[Delivery]

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.submits: list[Submit] = []
        self.on_record: Callable[[Record], None] | None = None
        self._waiters: list[tuple[Callable[[], object], asyncio.Future[object]]] = []
        self._unseen = 0  #: submits before this index were all returned by `next_submit`
        self._seen: set[int] = set()

    async def until(
        self, happened: Callable[[], T | None], timeout: float = 10, what: str = "what was expected"
    ) -> T:
        """Wait until *happened* returns something true, and return it.

        It is asked now and after everything that is recorded.

        Raises:
            TimeoutError: not within *timeout* seconds; says what happened last.
        """
        if result := happened():
            return result
        waiter = self.loop.create_future()
        entry = happened, waiter
        self._waiters.append(entry)
        try:
            return await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            raise TimeoutError(f"not within {timeout:g} s: {what}\n{self.recently()}") from None
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)

    async def next_submit(
        self, timeout: float = 10, *, to: str | None = None, text: str | None = None
    ) -> Submit:
        """The oldest submit_sm that this has not returned before; waits for one.

        Args:
            to: only to this destination, as it was written on the wire.
            text: only with this in its text.

        Raises:
            TimeoutError: none within *timeout* seconds.
        """
        looked = self._unseen

        def found() -> Submit | None:
            nonlocal looked
            while looked < len(self.submits):
                index, submit = looked, self.submits[looked]
                looked += 1
                if (
                    index not in self._seen
                    and (to is None or submit.destination.number == to)
                    and (text is None or text in (submit.text or ""))
                ):
                    self._seen.add(index)
                    while self._unseen in self._seen:
                        self._seen.remove(self._unseen)
                        self._unseen += 1
                    return submit
            return None

        about = f" to {to}" if to else ""
        return await self.until(found, timeout, f"a submit_sm{about}")

    def recently(self, count: int = 12) -> str:
        """The last records, for a person who wonders."""
        lines = [f"{len(self.submits)} submits, sessions {list(self.sessions)}; at last:"]
        for record in self.records[-count:]:
            lines.append(
                f"  {record.at:.3f} session {record.session} {record.what} "
                f"{record.pdu or ''} {record.note}"
            )
        return "\n".join(lines)

    def forget(self) -> None:
        """Drop all records, submits and finished deliveries: for runs of many hours."""
        self.records.clear()
        self.submits.clear()
        self._seen.clear()
        self._unseen = 0
        self.deliveries = [delivery for delivery in self.deliveries if not delivery.done]

    def note(self, record: Record) -> None:
        self.records.append(record)
        if self.on_record:
            self.on_record(record)
        self._tell()

    def _tell(self) -> None:
        for entry in self._waiters[:]:
            happened, waiter = entry
            if waiter.done():
                continue
            try:
                result = happened()
            except Exception as exc:
                waiter.set_exception(exc)
            else:
                if not result:
                    continue
                waiter.set_result(result)
            self._waiters.remove(entry)
