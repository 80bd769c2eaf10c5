"""Writes a text of ours: its wording, its password sealed, its row for the outbox.

Knows templates, seals and rows. Must not know why a text is sent, nor any rule of an account.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from smsgw.clock import unstamp
from smsgw.gateway.seals import Seals
from smsgw.gateway.work import Work
from smsgw.model import Address, Mt, Reply, from_tuple
from smsgw.passwords import Issued
from smsgw.store import Store

#: A text that no SMSC has taken by then has failed.
GIVE_UP_AFTER = timedelta(hours=24)
GIVE_UP_MICROSECONDS = GIVE_UP_AFTER // timedelta(microseconds=1)
#: The texts of a batch are worth sending until the same moment.
_moment = lru_cache(maxsize=256)(unstamp)
_REMINDER = Reply.REMINDER  # looking up an enum's member takes as long as several calls


class Recipient(NamedTuple):
    """Whom a text of ours goes to, and by which way."""

    subscriber: int
    address: Address
    link: str
    answers: int | None = None  #: the MO that it answers
    leased_until: int = 0  #: the link has it in memory so long; 0: it waits in the outbox
    asked_at: float | None = None  #: when that MO was read, in monotonic seconds


class Told(NamedTuple):
    """What a text tells of an account."""

    account: int
    cmnd: str
    issued: Issued | None  #: None: no password


class Composer:
    """
    Args:
        ttl: how long an issued password lives, in microseconds.
    """

    def __init__(
        self, store: Store, templates: Mapping[Reply, str], ttl: int, seals: Seals
    ) -> None:
        self._store = store
        self._templates = templates
        self._ttl = ttl
        self._seals = seals

    def write(
        self, work: Work, mt_id: int, reply: Reply, to: Recipient, told: Told | None = None
    ) -> Mt:
        """Add a text of ours to *work*; what it says, for where it leaves at once."""
        subscriber, address, link, answers, leased_until, asked_at = to
        at = work.at
        template, wording = work.wordings.get(reply) or self._wording(work, reply)
        account, cmnd, issued = told or (None, "", None)
        if issued is None:
            password, sealed, worth = "", None, GIVE_UP_MICROSECONDS
        else:
            password, worth = issued.password, self._ttl
            seals = self._seals
            if self._store.transactions != seals.turned:
                seals.turn(at)
            sealed = seals.keys.seal(mt_id, password)
        reminder = reply is _REMINDER
        work.changes.add_mt(
            mt_id,
            at=at,
            subscriber=subscriber,
            to=address,
            link=link,
            wording=wording,
            mo=answers,
            account=account,
            reminder=reminder,
            leased_until=leased_until,
            sealed=sealed,
        )
        text = template.format(cmnd, password)
        moment = _moment(at + worth)
        return from_tuple(Mt, (mt_id, link, address, text, reminder, moment, asked_at))

    def _wording(self, work: Work, reply: Reply) -> tuple[str, int]:
        template = self._templates[reply]
        known = work.wordings[reply] = template, self._store.wording(reply, template)
        return known


class Masking(Composer):
    """Shows what a text would say, with a mask for the password; writes and seals nothing."""

    def __init__(self, templates: Mapping[Reply, str], mask: str) -> None:
        self._templates = templates
        self._mask = mask

    def write(
        self, work: Work, mt_id: int, reply: Reply, to: Recipient, told: Told | None = None
    ) -> Mt:
        text = self._templates[reply].format(told.cmnd if told else "", self._mask)
        return Mt(mt_id, to.link, to.address, text, reminder=reply is _REMINDER)
