"""Parts of long texts."""

from datetime import datetime

from smsgw.clock import stamp
from smsgw.model import (
    Address,
    Part,
)
from smsgw.store.values import PartRow, PartSeen
from smsgw.store.verbs.engine import Engine
from smsgw.store.verbs.names import Names

sql = Names("parts")


class Parts(Engine):
    """Parts of long texts."""

    def count_parts(self, subscriber: int, ref: str, most: int) -> tuple[int, int]:
        """How many parts of a sender wait (counted to *most*), and how many of one long text."""
        of_sender, of_text = self._one(sql.COUNT_PARTS, subscriber=subscriber, ref=ref, most=most)
        return of_sender, of_text

    def count_parts_of_link(self, link: str, most: int) -> int:
        """How many parts that came by *link* wait, counted to *most*."""
        count: int = self._one(sql.COUNT_PARTS_OF_LINK, link=link, most=most)[0]
        return count

    def look_at_parts(
        self, subscriber: int, ref: str, number: int
    ) -> tuple[PartSeen | None, PartSeen | None]:
        """Of a long text the first part that is there, and the one of *number*."""
        found = [
            PartSeen(*row)
            for row in self._all(sql.LOOK_AT_PARTS, subscriber=subscriber, ref=ref, number=number)
        ]
        first = found[0] if found else None
        return first, next((row for row in found if row.number == number), None)

    def parts(self, subscriber: int, ref: str) -> list[PartRow]:
        """The parts of one long text that are there, by their number."""
        return [
            PartRow(
                Part(ref, total, number, coding, octets, (single, locking)),
                created_at,
                link,
                session,
                fingerprint,
                Address(address, ton, npi),
                bool(joined),
            )
            for (
                number,
                total,
                created_at,
                link,
                session,
                fingerprint,
                address,
                ton,
                npi,
                coding,
                single,
                locking,
                octets,
                joined,
            ) in self._all(sql.FIND_PARTS, subscriber=subscriber, ref=ref)
        ]

    def add_part(self, subscriber: int, row: PartRow) -> None:
        part, sender = row.part, row.sender
        self._execute(
            sql.ADD_PART,
            (
                subscriber,
                part.ref,
                part.number,
                part.total,
                row.created_at,
                row.link,
                row.session,
                row.fingerprint,
                *sender,
                part.data_coding,
                *part.shift,
                part.octets,
            ),
        )

    def mark_joined(self, subscriber: int, ref: str) -> None:
        """The text is whole; its parts stay to recognise one that is sent again."""
        self._run(sql.MARK_JOINED, subscriber=subscriber, ref=ref)

    def take_back_part(self, subscriber: int, part: Part) -> None:
        """Undo the arrival of a last part whose text could not be decided on yet."""
        self._run(sql.REMOVE_PART, subscriber=subscriber, ref=part.ref, number=part.number)
        self._run(sql.UNMARK_JOINED, subscriber=subscriber, ref=part.ref)

    def forget_parts(self, subscriber: int, ref: str) -> None:
        self._run(sql.FORGET_PARTS, subscriber=subscriber, ref=ref)

    def wipe_parts(self, subscriber: int, ref: str) -> None:
        """Forget what parts said, and not that they came."""
        self._run(sql.WIPE_PARTS, subscriber=subscriber, ref=ref)

    def set_back_parts(self, latest: datetime, now: datetime) -> int:
        """Let parts have come now that are said to have come after *latest*; how many."""
        return self._count(sql.SET_BACK_PARTS, latest=stamp(latest), now=stamp(now))

    def incomplete(self, since: datetime, limit: int) -> list[tuple[int, str, str]]:
        """(subscriber, phone, ref) of long texts begun before *since* that lack a part; at most
        *limit*."""
        return self._all(sql.FIND_INCOMPLETE, since=stamp(since), limit=limit)

    def purge_parts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* parts of texts that were decided on; how many went."""
        return self._count(sql.PURGE_PARTS, before=stamp(before), limit=limit)
