"""The log of texts: a line for each while they are few, and under load one for many.

A line costs as much as the commit of a text, so that at thousands a second lines would be what
limits the gateway. Each names the row of its text (`mo=17`, `mt=18`), and the id that the SMSC gave
it where it has one, so that a line, a row and what the carrier says find each other. A line for
many names the first and the last of the rows that it is about.

Until a line is written, what it is about stands here as sums. A batch itself is let go of at once:
kept for a tenth of a second, thousands of texts would push what the next ones need out of the
processor's caches.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from smsgw.desk.follow_up import AtWork
from smsgw.gateway import Done, LastWord
from smsgw.model import Outcome, Postponed, Refused, SubmitResult, Taken, Unanswered
from smsgw.store import Changes

log = logging.getLogger("smsgw.desk")

#: Lines on texts in the log are written together, at least this far apart ...
SECONDS_BETWEEN_LINES = 0.1
#: ... and of each kind, in that time, so many at most; one says how many there were of more.
MOST_LINES = 5

T = TypeVar("T")

#: What is to be logged, and its arguments.
_Line = tuple[str, tuple[object, ...]]
_SAID: Mapping[type, str] = {
    Taken: "taken",
    Postponed: "postponed",
    Refused: "refused",
    Unanswered: "unanswered",
}


class _Kind(Generic[T]):
    """What is to be said of one kind since the last lines: each of few, the sum of many."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.few: list[T] = []  #: each, as long as each has its line
        self.number = 0
        self.sorts: Counter[Any] = Counter()
        self.links: set[str] = set()
        self.first = self.last = 0  #: rows; 0: none was kept

    def add(
        self, things: list[T], number: int, sorts: Mapping[Any, int], links: Iterable[str]
    ) -> None:
        self.number += number
        for sort, times in sorts.items():
            self.sorts[sort] += times
        self.links.update(links)
        if _each_has_its_line(self.number):
            self.few += things
        else:
            self.few.clear()

    def note_rows(self, first: int, last: int) -> None:
        """It is about these rows, and those between."""
        self.first = min(self.first or first, first)
        self.last = max(self.last, last)

    def lines(self, about: Callable[[T], _Line]) -> Iterator[_Line]:
        if self.few:
            yield from map(about, self.few)
        elif self.number:
            yield self.sum()

    def sum(self) -> _Line:
        """One line for all."""
        counts = " ".join(f"{sort}={number}" for sort, number in self.sorts.items())
        rows = f" ids={self.first}-{self.last}" if self.last else ""
        return f"{self.word} link=%s %s%s", (",".join(sorted(self.links)), counts, rows)


class _Gathered:
    """Everything that is yet to be said."""

    def __init__(self) -> None:
        self.texts = _Kind[Changes]("mo")
        self.kept = 0  #: texts that have a row
        self.seconds = 0.0  #: that the slowest of their batches took
        self.results = _Kind[tuple[str, SubmitResult]]("mt")
        self.receipts = _Kind[LastWord]("receipt")

    def add_texts(self, done: Done, batch: AtWork, seconds: float) -> None:
        written = [changes for changes in done.written if changes.mos]
        links = {arrival.port.name for arrival in batch.arrivals}
        if batch.receipts:
            # Those that brought texts which only looked like receipts.
            links.update(r.port.name for r in batch.receipts if r.receipt.text is not None)
        self.texts.add(written, done.outcomes.total(), done.outcomes, links)
        for changes in written:
            # Rows stand in the order of their ids.
            self.texts.note_rows(changes.mos[0][0], changes.mos[-1][0])
            self.kept += len(changes.mos)
        self.seconds = max(self.seconds, seconds)

    def add_results(self, results: list[tuple[str, SubmitResult]]) -> None:
        sorts = Counter([type(result) for _, result in results])
        said = {_SAID[sort]: number for sort, number in sorts.items()}
        self.results.add(results, len(results), said, {link for link, _ in results})
        ids = [result.mt_id for _, result in results]
        self.results.note_rows(min(ids), max(ids))

    def add_receipts(self, words: list[LastWord]) -> None:
        sorts = Counter(word.state.value for word in words)
        self.receipts.add(words, len(words), sorts, {word.link for word in words})
        ids = [word.mt for word in words]
        self.receipts.note_rows(min(ids), max(ids))

    def lines(self) -> Iterator[_Line]:
        if self.texts.number:
            yield from self._of_texts()
        yield from self.results.lines(_about_mt)
        yield from self.receipts.lines(_about_receipt)

    def _of_texts(self) -> Iterator[_Line]:
        ms = self.seconds * 1000
        if not self.texts.few or self.kept != self.texts.number:
            line, values = self.texts.sum()
            yield f"{line} ms=%d", (*values, ms)
            return
        for changes in self.texts.few:
            for mo, link, outcome, mt in changes.texts():
                if mt is None:
                    yield "mo link=%s mo=%d outcome=%s ms=%d", (link, mo, outcome, ms)
                else:
                    yield "mo link=%s mo=%d outcome=%s mt=%d ms=%d", (link, mo, outcome, mt, ms)


class TrafficLog:
    """Gathers what became of texts until the next lines."""

    def __init__(self) -> None:
        self._gathered: _Gathered | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, done: Done, batch: AtWork, seconds: float) -> None:
        """What became of *batch*, which took so long."""
        results = batch.results if done.settled else []
        if not (done.outcomes or results or done.last_words):
            return
        gathered = self._gathered = self._gathered or _Gathered()
        if done.outcomes:
            gathered.add_texts(done, batch, seconds)
        if results:
            gathered.add_results(results)
        if done.last_words:
            gathered.add_receipts(done.last_words)
        if self._timer is None:
            self._write()

    def close(self) -> None:
        """Write what was gathered; the last call."""
        self._write()
        if self._timer:
            self._timer.cancel()

    def _write(self) -> None:
        self._timer = None
        gathered, self._gathered = self._gathered, None
        if gathered is None or not log.isEnabledFor(logging.INFO):
            return
        for template, values in gathered.lines():
            log.info(template, *values)
        self._timer = asyncio.get_running_loop().call_later(SECONDS_BETWEEN_LINES, self._write)


def _each_has_its_line(number: int) -> bool:
    return number <= MOST_LINES or log.isEnabledFor(logging.DEBUG)


def _about_mt(settled: tuple[str, SubmitResult]) -> _Line:
    link, result = settled
    said = _SAID[type(result)]
    if isinstance(result, Taken):
        values = link, result.mt_id, said, result.smsc_id.strip()
        return "mt link=%s mt=%d result=%s smsc_id=%s", values
    return "mt link=%s mt=%d result=%s reason=%s", (link, result.mt_id, said, result.reason)


def _about_receipt(word: LastWord) -> _Line:
    values = word.link, word.mt, word.state.value, word.smsc_id, word.reason
    return "receipt link=%s mt=%d state=%s smsc_id=%s reason=%s", values


def add_up(totals: Counter[Outcome], more: Counter[Outcome]) -> None:
    """`totals += more`, which looks at all of them for what is not above 0."""
    for outcome, n in more.items():
        totals[outcome] += n
