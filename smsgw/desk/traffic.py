"""The log of texts: a line for each while they are few, and under load one for many.

A line costs as much as the commit of a text, so that at thousands a second lines would be what
limits the gateway. Each names the row of its text (`mo=17`, `mt=18`), and the id that the SMSC gave
it where it has one, so that a line, a row and what the carrier says find each other. A line for
many names the first and the last of the rows that it is about.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from smsgw.desk.follow_up import AtWork
from smsgw.desk.pending import Arrival
from smsgw.gateway import Done, LastWord
from smsgw.model import Outcome, Postponed, Refused, SubmitResult, Taken, Unanswered, from_tuple
from smsgw.store import Changes

log = logging.getLogger("smsgw.desk")

#: Lines on texts in the log are written together, at least this far apart ...
SECONDS_BETWEEN_LINES = 0.1
#: ... and of each kind, in that time, so many at most; one says how many there were of more.
MOST_LINES = 5

_NONE: frozenset[str] = frozenset()
#: What is to be logged, and its arguments.
_Line = tuple[str, tuple[object, ...]]
_SAID: Mapping[type, str] = {
    Taken: "taken",
    Postponed: "postponed",
    Refused: "refused",
    Unanswered: "unanswered",
}


class _Batch(NamedTuple):
    """What is kept of one until it is written: references, nothing is looked at before."""

    arrivals: list[Arrival]
    links: frozenset[str]  #: that brought texts which only looked like receipts
    outcomes: Counter[Outcome]
    written: list[Changes]
    results: list[tuple[str, SubmitResult]]
    last_words: list[LastWord]
    seconds: float


class TrafficLog:
    """Gathers what became of texts until the next lines."""

    def __init__(self) -> None:
        self._batches: list[_Batch] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, done: Done, batch: AtWork, seconds: float) -> None:
        """What became of *batch*, which took so long."""
        results = batch.results if done.settled else []
        if not (done.outcomes or results or done.last_words):
            return
        links = _NONE
        if batch.receipts:
            links = frozenset(r.port.name for r in batch.receipts if r.receipt.text is not None)
        parts = batch.arrivals, links, done.outcomes, done.written, results, done.last_words
        self._batches.append(from_tuple(_Batch, (*parts, seconds)))
        if self._timer is None:
            self._write()

    def close(self) -> None:
        """Write what was gathered; the last call."""
        self._write()
        if self._timer:
            self._timer.cancel()

    def _write(self) -> None:
        self._timer = None
        batches, self._batches = self._batches, []
        if not (batches and log.isEnabledFor(logging.INFO)):
            return
        for lines in (_of_texts(batches), _of_results(batches), _of_receipts(batches)):
            for template, values in lines:
                log.info(template, *values)
        self._timer = asyncio.get_running_loop().call_later(SECONDS_BETWEEN_LINES, self._write)


def _each_has_its_line(number: int) -> bool:
    return number <= MOST_LINES or log.isEnabledFor(logging.DEBUG)


def _of_texts(batches: list[_Batch]) -> Iterator[_Line]:
    texts = [batch for batch in batches if batch.outcomes]
    if not texts:
        return
    outcomes: Counter[Outcome] = Counter()
    for batch in texts:
        add_up(outcomes, batch.outcomes)
    ms = max(batch.seconds for batch in texts) * 1000
    written = [changes for batch in texts for changes in batch.written if changes.mos]
    kept = sum(len(changes.mos) for changes in written)
    if kept == outcomes.total() and _each_has_its_line(kept):
        for changes in written:
            for mo, link, outcome, mt in changes.texts():
                if mt is None:
                    yield "mo link=%s mo=%d outcome=%s ms=%d", (link, mo, outcome, ms)
                else:
                    yield "mo link=%s mo=%d outcome=%s mt=%d ms=%d", (link, mo, outcome, mt, ms)
        return
    links = {arrival.port.name for batch in texts for arrival in batch.arrivals}
    links.update(*(batch.links for batch in texts))
    # Rows stand in the order of their ids.
    ids = [changes.mos[end][0] for changes in written for end in (0, -1)]
    line, values = _summary("mo", links, outcomes, ids)
    yield f"{line} ms=%d", (*values, ms)


def _of_results(batches: list[_Batch]) -> Iterable[_Line]:
    results = list(chain.from_iterable(batch.results for batch in batches))
    if _each_has_its_line(len(results)):
        return [_about_mt(*result) for result in results]
    sorts = Counter(_SAID[type(result)] for _, result in results)
    ids = [result.mt_id for _, result in results]
    return [_summary("mt", {link for link, _ in results}, sorts, ids)]


def _of_receipts(batches: list[_Batch]) -> Iterable[_Line]:
    words = list(chain.from_iterable(batch.last_words for batch in batches))
    if _each_has_its_line(len(words)):
        return map(_about_receipt, words)
    states = Counter(word.state.value for word in words)
    return [_summary("receipt", {w.link for w in words}, states, [w.mt for w in words])]


def _about_mt(link: str, result: SubmitResult) -> _Line:
    said = _SAID[type(result)]
    if isinstance(result, Taken):
        values = link, result.mt_id, said, result.smsc_id.strip()
        return "mt link=%s mt=%d result=%s smsc_id=%s", values
    return "mt link=%s mt=%d result=%s reason=%s", (link, result.mt_id, said, result.reason)


def _about_receipt(word: LastWord) -> _Line:
    values = word.link, word.mt, word.state.value, word.smsc_id, word.reason
    return "receipt link=%s mt=%d state=%s smsc_id=%s reason=%s", values


def _summary(kind: str, links: Iterable[str], sorts: Counter[Any], ids: list[int]) -> _Line:
    """One line for many; *ids*: of the rows that they are about, or the first and the last."""
    counts = " ".join(f"{sort}={number}" for sort, number in sorts.items())
    rows = f" ids={min(ids)}-{max(ids)}" if ids else ""
    return f"{kind} link=%s %s%s", (",".join(sorted(links)), counts, rows)


def add_up(totals: Counter[Outcome], more: Counter[Outcome]) -> None:
    """`totals += more`, which looks at all of them for what is not above 0."""
    for outcome, n in more.items():
        totals[outcome] += n
