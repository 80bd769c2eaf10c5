"""Long texts: their parts wait in the store, and become one text with the last of them.

Knows parts, references and how many may wait; nothing of what a text means.
"""

from collections.abc import Sequence
from datetime import timedelta

from smsgw.clock import stamp
from smsgw.gateway.batch import Done
from smsgw.gateway.known import RETRANSMISSION_WINDOW
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.model import Answer, Mo, Octets, Part
from smsgw.smpp.alphabets import NO_SHIFT, join
from smsgw.store import PartRow

#: A long text whose last part has not come by then is answered as a syntax error.
PARTS_LIMIT = timedelta(minutes=10)
#: So many parts of one sender may wait for the rest: one longest text, or a few of usual length.
PARTS_OF_A_SENDER = 255
#: And so many of one link.
PARTS_OF_A_LINK = 10_000
#: SMPP carries no part that is longer: a short_message has at most so many octets.
_MAX_PART_OCTETS = 255
_UCS2 = 8  # data_coding, SMPP v3.4 §5.2.19


class LongTexts:
    """The parts of the texts of one batch.

    Args:
        done: where it counts the parts that are refused.
    """

    def __init__(self, tools: Tools, work: Work, done: Done) -> None:
        self._store = tools.store
        self._rules = tools.rules
        self._own_wording = tools.own_wording
        self._salts = tools.salts
        self._work = work
        self._done = done
        self._waiting_by_link: dict[str, int] = {}

    def own(self, mo: Mo, part: Part) -> Part:
        """*part*, its reference being that of its carrier: another carrier's parts are another
        text's."""
        return part._replace(ref=f"{self._salts[mo.link]:x}/{part.ref}")

    def join(self, subscriber: int, mo: Mo, part: Part) -> Mo | Answer:
        """The whole text when *mo* was its last part; else what its sender is told: the part is
        kept (or known), or there is no room for it.

        Args:
            part: of *mo*, as `own` gives it.
        """
        if len(part.octets) > _MAX_PART_OCTETS:
            self._done.oddities[mo.link, "parts_refused"] += 1  # the session does so already
            return Answer.LATER
        store, at = self._store, self._work.at
        first, old = store.look_at_parts(subscriber, part.ref, part.number)
        started = at if first is None else first.created_at
        if old is not None and old.fingerprint in (mo.fingerprint, 0):
            # The row says when the first part came; this one may have come later by the limit.
            since = stamp(self._work.now - RETRANSMISSION_WINDOW - PARTS_LIMIT)
            if old.created_at > since and old.session != mo.session:
                return Answer.OK  # sent again; the first was committed
        if first is not None:
            if first.joined and old is None and first.total == part.total:
                return Answer.OK  # too late: the text was answered without it
            if first.joined or first.total != part.total:
                store.forget_parts(subscriber, part.ref)  # the phone uses its reference again
                first, old, started = None, None, at
        of_sender, there = store.count_parts(subscriber, part.ref, PARTS_OF_A_SENDER)
        is_last = there + (old is None) >= part.total
        if old is None and not is_last and not self._has_room(mo.link, of_sender):
            self._done.oddities[mo.link, "parts_refused"] += 1
            return Answer.LATER
        kept = part if is_last else self._masked(part, mo.link)
        fingerprint = mo.fingerprint if kept is part else 0
        row = PartRow(kept, started, mo.link, mo.session, fingerprint, mo.sender, joined=False)
        store.add_part(subscriber, row)
        if not is_last:
            return Answer.OK
        store.mark_joined(subscriber, part.ref)
        return self._whole(store.parts(subscriber, part.ref))._replace(
            link=mo.link, session=mo.session, sender=mo.sender
        )

    def give_up(self, subscriber: int, ref: str) -> Mo:
        """What there is of a text that lacks a part; never valid."""
        rows = self._store.parts(subscriber, ref)
        self._store.mark_joined(subscriber, ref)
        whole = self._whole(rows)
        whole = whole._replace(text=f"{whole.text or ''} [...]")  # for the hotline
        self.forget_own_wording(subscriber, ref, whole)
        return whole

    def take_back(self, subscriber: int, part: Part) -> None:
        """The text of a last part cannot be decided on yet: the part has not come."""
        self._store.take_back_part(subscriber, part)

    def forget(self, subscriber: int, part: Part) -> None:
        """Keep nothing of a text that is not recorded."""
        self._store.forget_parts(subscriber, part.ref)

    def forget_own_wording(self, subscriber: int, ref: str, whole: Mo) -> None:
        """Keep nothing of what the parts of a text say that quotes our wording."""
        if self._own_wording.holds(whole.text):
            self._store.wipe_parts(subscriber, ref)

    def _has_room(self, link: str, of_sender: int) -> bool:
        """Whether one more part may wait; it is counted, since the caller keeps it then."""
        of_link = self._waiting_by_link.get(link)
        if of_link is None:
            of_link = self._store.count_parts_of_link(link, PARTS_OF_A_LINK)
        room = of_sender < PARTS_OF_A_SENDER and of_link < PARTS_OF_A_LINK
        self._waiting_by_link[link] = of_link + room
        return room

    def _masked(self, part: Part, link: str) -> Part:
        """*part* as it may wait on the disk: without a password, where it quotes our wording."""
        text = join([part], self._rules.alphabet(link))
        if text is None or not self._own_wording.holds(text):
            return part
        octets = self._own_wording.mask(text).encode("utf-16-be", "surrogatepass")
        return part._replace(data_coding=_UCS2, octets=octets, shift=(0, 0))

    def _whole(self, rows: Sequence[PartRow]) -> Mo:
        """One text of its parts, as the session of the first brought it."""
        first = rows[0]
        fingerprint = 0
        for row in rows:
            fingerprint = (fingerprint * 31 + row.fingerprint) & 0x7FFF_FFFF_FFFF_FFFF
        parts = [row.part for row in rows]
        text = join(parts, self._rules.alphabet(first.link))
        octets = _octets(parts)
        return Mo(first.link, first.session, first.sender, text, fingerprint, octets=octets)


def _octets(parts: Sequence[Part]) -> Octets | None:
    """What *parts* were on the wire, if all declare the same alphabet."""
    first = parts[0]
    if any((part.data_coding, part.shift) != (first.data_coding, first.shift) for part in parts):
        return None
    # A header of six octets, of which septets that are packed leave the seventh begun.
    narrow = first.ref.rpartition("/")[2].startswith("8:")
    fill = 1 if narrow and first.shift == NO_SHIFT else 0
    return Octets(tuple(part.octets for part in parts), fill)
