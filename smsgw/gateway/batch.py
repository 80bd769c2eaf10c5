"""What goes into a verb of the gateway, and what comes out of it: plain values."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from smsgw.model import Answer, Mo, Mt, MtState, Outcome, Receipt, SubmitResult
from smsgw.store import Changes


@dataclass(slots=True)
class Batch:
    """Everything that came in since the last commit."""

    mos: Sequence[Mo] = ()
    receipts: Sequence[Receipt] = ()
    results: Sequence[tuple[str, SubmitResult]] = ()  #: with the name of the link
    #: How many replies each link can hold in memory; more than that wait in the outbox.
    room: Mapping[str, int] = field(default_factory=dict)
    #: How many may be registered; None: as many as the stock has passwords for. The first ones
    #: may, where older registrations wait for a password already.
    registrations: int | None = None
    #: By link the token of the lease under which it came; None: links have none.
    tokens: Mapping[str, int] | None = None

    def __len__(self) -> int:
        return len(self.mos) + len(self.receipts) + len(self.results)

    def singles(self, done: "Done") -> "Iterator[Batch]":
        """The same, each message by itself; settlements first, as in the whole.

        Args:
            done: what has become of those before when the next one is asked for: they used up
                room and passwords.
        """
        for result in self.results:
            yield Batch(results=(result,), tokens=self.tokens)
        for receipt in self.receipts:
            yield Batch(receipts=(receipt,), tokens=self.tokens)
        room, seen = dict(self.room), 0
        for mo in self.mos:
            for mt in done.replies[seen:]:
                room[mt.link] -= 1
            seen = len(done.replies)
            left = self.registrations
            if done.passwords_wanted:
                left = 0  # an older text waits for one
            elif left is not None:
                left -= done.passwords_given
            yield Batch(mos=(mo,), room=room, registrations=left, tokens=self.tokens)

    def without(self, lost: Collection[str]) -> "Batch":
        """The same but for what came by links that are *lost*."""
        return replace(
            self,
            mos=[mo for mo in self.mos if mo.link not in lost],
            receipts=[receipt for receipt in self.receipts if receipt.link not in lost],
            results=[result for result in self.results if result[0] not in lost],
        )


class LastWord(NamedTuple):
    """What the receipt of a text of ours says."""

    mt: int
    link: str  #: that sent it
    smsc_id: str  #: as the SMSC gave it when it took the text
    state: MtState
    reason: str


@dataclass(slots=True)
class Done:
    """What became of a batch."""

    #: For each MO; None: its turn comes with the next batch (see `passwords_wanted`).
    answers: list[Answer | None] = field(default_factory=list)
    receipts: list[Answer] = field(default_factory=list)
    #: False: the results of submits were not stored; offer them again.
    settled: bool = True
    replies: list[Mt] = field(default_factory=list)  #: leased; they leave from memory
    #: Links with something in the outbox to claim, and when.
    due: dict[str, datetime] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    written: list[Changes] = field(default_factory=list)  #: for citizens' texts; to be read
    last_words: list[LastWord] = field(default_factory=list)
    #: What was strange though it was dealt with: how often, by (link, kind).
    oddities: Counter[tuple[str, str]] = field(default_factory=Counter)
    passwords_wanted: int = 0  #: registrations that wait for the hashers
    passwords_given: int = 0  #: to its registrations
    trouble: str | None = None  #: why the store did not take it
    #: Links that are another node's by now: what came by them was left alone.
    lost: set[str] = field(default_factory=set)
    more: bool = False  #: of `tidy`: there is more to do
    #: None: what stands here is so. Else nobody knows yet whether it happened, nothing of it may be
    #: told, and this is what became of the batch if it did not (`Gateway.resolve`).
    otherwise: "Done | None" = None

    @classmethod
    def again(cls, batch: Batch) -> "Done":
        """Nothing of *batch* was stored, and its turn comes with the next one."""
        return cls(
            answers=[None] * len(batch.mos),
            receipts=[Answer.LATER] * len(batch.receipts),
            settled=not batch.results,
        )

    @classmethod
    def sum(cls, parts: "Iterable[Done]") -> "Done":
        """What became of a batch in all."""
        done = cls()
        for part in parts:
            done.add(part)
        return done

    @classmethod
    def later(cls, batch: Batch, trouble: str | None = None) -> "Done":
        """Nothing of *batch* was stored; *trouble*: because of the store, not of the batch.

        A settlement that cannot be stored for its own sake is not offered again: its lease ends.
        """
        return cls(
            answers=[Answer.LATER] * len(batch.mos),
            receipts=[Answer.LATER] * len(batch.receipts),
            settled=trouble is None or not batch.results,
            trouble=trouble,
        )

    def add(self, other: "Done") -> None:
        self.answers += other.answers
        self.receipts += other.receipts
        self.settled = self.settled and other.settled
        self.replies += other.replies
        for link, at in other.due.items():
            self.falls_due(link, at)
        self.outcomes += other.outcomes
        self.written += other.written
        self.last_words += other.last_words
        self.oddities += other.oddities
        self.passwords_wanted += other.passwords_wanted
        self.passwords_given += other.passwords_given
        self.trouble = other.trouble or self.trouble
        self.lost |= other.lost

    def make_room_for(self, batch: Batch) -> None:
        """It was done without what came by links that were `lost`; that is not answered by us, and
        what their SMSCs said is told to whoever has them."""
        answers, receipts = iter(self.answers), iter(self.receipts)
        self.answers = [Answer.LATER if mo.link in self.lost else next(answers) for mo in batch.mos]
        self.receipts = [
            Answer.LATER if receipt.link in self.lost else next(receipts)
            for receipt in batch.receipts
        ]

    def falls_due(self, link: str, at: datetime) -> None:
        known = self.due.get(link)
        if known is None or at < known:
            self.due[link] = at


class Claim(NamedTuple):
    mts: list[Mt]  #: leased, replies before reminders
    next_due: datetime | None  #: when the next one falls due
    reply_due: datetime | None  #: when the next one does that is no reminder
    lost: bool = False  #: the link is another node's by now


class LinkBegins(NamedTuple):
    """How a link stands that another node had."""

    stopped: str | None  #: in words, who has taken it down
    oddities: Mapping[str, int]  #: that were counted


class Moved(NamedTuple):
    """What waited for links that cannot send, and leaves by others."""

    links: frozenset[str]  #: that have it now
    more: bool


class Expired(NamedTuple):
    """What one expiry pass did."""

    replaced: int  #: passwords replaced, each with its reminder
    ended: int  #: passwords deleted and not replaced, after the last reminder
    more: bool  #: others are due
    links: frozenset[str]  #: links that have reminders to send
    waiting: int = 0  #: due, but outside the reminder hours
    short: int = 0  #: due, but the stock had no password for them


class By(NamedTuple):
    """Who asked the gateway to do at once what it else does by itself, and why."""

    who: str
    reason: str | None = None


class Purged(NamedTuple):
    messages: int
    accounts: int  #: closed ones that were removed
    unused: int  #: accounts that were closed, since nobody ever used them
    more: bool


class Trial(NamedTuple):
    """What the gateway would do with a text."""

    outcome: Outcome
    reply: str | None
    detail: str


def with_reason(what: str, reason: str | None) -> str:
    return f"{what}: {reason}" if reason else what
