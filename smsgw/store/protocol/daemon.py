"""What the daemon asks of a store: batches, the outbox, receipts; and what everybody does."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from smsgw.model import (
    Holder,
    MtState,
    Part,
)
from smsgw.store.rows import Changes
from smsgw.store.values import (
    ClaimedRow,
    EarlyReceipt,
    PartRow,
    PartSeen,
    ReplyRow,
    SentText,
)


class Transactions(Protocol):
    """Everybody: transactions, and the store as a whole."""

    transactions: int  #: so many were begun

    def close(self) -> None:
        """No verb after this one."""

    def transaction(self, *, keep: bool = True, asks: bool = False) -> AbstractContextManager[None]:
        """All writes inside happen, on the disk, or none; *keep* false: none in any case.

        Args:
            asks: whoever calls will call `resolve`, too, where it stays in doubt, and until that
                has told there are no other transactions.

        There is one writer at a time, in all processes: from here to the end nobody else adds a
        row. That is what a batch rests on which asks for `last_ids` inside and numbers its rows
        itself; ids that were read before it are worth nothing.

        Raises:
            Unavailable: nothing was written; a later transaction may succeed.
            InDoubt: nobody knows; `resolve` may tell.
            Moved: as `InDoubt`, and nobody ever will: the database is no longer in its place.
            Lost: an I/O error; do not answer, do not try again, end the process.
            Conflict, Unfit: the fault of what was written, not of the store.
        """

    def resolve(self) -> bool:
        """Whether the transaction that raised `InDoubt` last did happen.

        Raises:
            Unavailable: nobody knows yet.
        """

    def patience(self, wait: timedelta) -> AbstractContextManager[None]:
        """Inside, wait no longer than that for another writer."""

    def deadline(self, after: timedelta) -> AbstractContextManager[None]:
        """Inside, whatever is read ends by then."""

    def truncate_log(self) -> bool:
        """Leave nothing of what was deleted on the disk; false: not now, somebody reads."""

    def has_traces(self, of: Sequence[str]) -> bool:
        """Whether one of these texts stands anywhere in the database's file, also where no row
        is."""

    def rewrite(self) -> bool:
        """Leave nothing but rows in the file; false: that would hold up others for too long."""

    @property
    def path(self) -> Path | None:
        """The database file, or where one would be: our own files lie beside; None: in memory."""

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy to *file*, which is empty, while others go on writing."""


class Batch(Protocol):
    """The daemon, for a batch of texts: what it needs to know, and what it adds."""

    def last_ids(self) -> tuple[int, int, int]:
        """The last id of subscribers, of accounts, and of messages (mo and mt together)."""

    def senders(
        self, phones: Iterable[str]
    ) -> tuple[dict[str, int], dict[int, Holder], dict[str, Holder]]:
        """Ids of the *phones* that are known; their open accounts by that id, and by CMND."""

    def twins(
        self, texts: Iterable[tuple[int, int]], since: datetime
    ) -> dict[tuple[int, int], int]:
        """By (subscriber, fingerprint) the session of the last such text after *since*."""

    def count_recent(
        self, subscribers: Iterable[int], since: datetime, most: int
    ) -> dict[int, int]:
        """How many texts of each were kept since the quarter of an hour of *since*, to *most*."""

    def recent(self, subscriber: int, since: datetime, most: int) -> list[tuple[int, bool]]:
        """(when, was it answered) of the newest *most* texts of one sender after *since*."""

    def count_answers(self, since: datetime) -> list[tuple[int, int]]:
        """(second since 1970, texts answered in it) after *since*, oldest first."""

    def holders_by_cmnd(self, cmnds: Iterable[str]) -> dict[str, Holder]:
        """The open accounts of these CMND."""

    def count_resets(self, account_id: int, since: datetime) -> int:
        """How often a citizen had this account's password replaced by texting, after *since*."""

    def has_note(self, account_id: int, event: str, reason: str, since: datetime) -> bool:
        """Whether the account's history has *event* with just this *reason* after *since*."""

    def wordings(self) -> list[str]:
        """The latest wordings of what we sent, with their placeholders."""

    def wording(self, reply: str, text: str) -> int:
        """The id of a wording, added where it is new."""

    def write(self, changes: Changes) -> None:
        """Write all of *changes*."""


class Parts(Protocol):
    """The same for texts that come in parts."""

    def count_parts(self, subscriber: int, ref: str, most: int) -> tuple[int, int]:
        """How many parts of a sender wait (counted to *most*), and how many of one long text."""

    def count_parts_of_link(self, link: str, most: int) -> int:
        """How many parts that came by *link* wait, counted to *most*."""

    def look_at_parts(
        self, subscriber: int, ref: str, number: int
    ) -> tuple[PartSeen | None, PartSeen | None]:
        """Of a long text the first part that is there, and the one of *number*."""

    def parts(self, subscriber: int, ref: str) -> list[PartRow]:
        """The parts of one long text that are there, by their number."""

    def add_part(self, subscriber: int, row: PartRow) -> None:
        """Keep a part of a long text."""

    def mark_joined(self, subscriber: int, ref: str) -> None:
        """The text is whole; its parts stay to recognise one that is sent again."""

    def take_back_part(self, subscriber: int, part: Part) -> None:
        """Undo the arrival of a last part whose text could not be decided on yet."""

    def forget_parts(self, subscriber: int, ref: str) -> None:
        """Remove the parts of one long text."""

    def wipe_parts(self, subscriber: int, ref: str) -> None:
        """Forget what parts said, and not that they came."""

    def set_back_parts(self, latest: datetime, now: datetime) -> int:
        """Let parts have come now that are said to have come after *latest*; how many."""

    def incomplete(self, since: datetime, limit: int) -> list[tuple[int, str, str]]:
        """(subscriber, phone, ref) of texts begun before *since* that lack a part."""

    def purge_parts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* parts of texts that were decided on; how many went."""


class Outbox(Protocol):
    """The daemon, for what waits to be sent, and for what is sealed in it."""

    def due(self, link: str, *, reminder: bool, room: int, now: datetime) -> list[ClaimedRow]:
        """At most *room* due replies (or reminders) of *link*, oldest first; not yet leased."""

    def lease(self, ids: Iterable[int], until: datetime) -> None:
        """A link has these texts in memory until then."""

    def due_times(
        self, link: str, *, reminder: bool
    ) -> tuple[datetime, datetime] | tuple[None, None]:
        """When the next and the last queued text of *link* fall due, those that are held apart."""

    def set_back_due(self, link: str, latest: datetime, now: datetime, *, reminder: bool) -> int:
        """Let texts be due now that were to be due after *latest*; how many, of `STEP` at most."""

    def begin_day(self, ids: Iterable[int], now: datetime) -> None:
        """Count the day after which these texts are given up from *now*."""

    def end_all_leases(self, now: datetime) -> None:
        """Whatever is queued is due now: the daemon that held it is dead."""

    def end_leases(self, now: datetime, latest: datetime, ends: datetime) -> tuple[set[str], int]:
        """Let texts fall due again whose lease is over."""

    def links_in_outbox(self) -> list[str]:
        """Links for which something waits."""

    def waiting_by_link(self) -> dict[str, int]:
        """How many texts wait for each link; reads them all."""

    def move_to_link(self, gone: str, link: str, now: datetime) -> int:
        """Let *link* carry what waits for *gone*; how many texts, of `STEP` at most."""

    def release_held(self, link: str, now: datetime) -> int:
        """Let what is held for *link* be due; how many texts, of `STEP` at most."""

    def give_up_old(self, before: datetime, now: datetime) -> list[tuple[int, str]]:
        """(mt, link) of `STEP` texts that have waited since *before*, and now have failed."""

    def taken(self, texts: Sequence[tuple[int, str]], now: datetime) -> None:
        """The SMSC took these (mt, id that it gave); what was sealed is wiped."""

    def tries(self, ids: Iterable[int]) -> list[tuple[int, int, int]]:
        """(mt, tries so far, unanswered ones) of those that are queued."""

    def postpone(
        self, mt_id: int, due: datetime | None, tries: int, unanswered: int, reason: str
    ) -> None:
        """Let a text wait until *due*; None: it is held."""

    def give_up(self, mt_id: int, now: datetime) -> None:
        """No SMSC took it in time; the reason of its last try stays with it."""

    def fail(self, mt_id: int, reason: str, now: datetime) -> bool:
        """No SMSC will take it; false: it does not wait any more."""

    def refused_account(self, mt_id: int) -> tuple[int, int] | None:
        """The account whose password a refused text carries, and its texts that reached nobody;
        None, too, where this was asked before of that text, which counts once."""

    def reply(self, mt_id: int) -> ReplyRow:
        """The reply *mt_id*, which the SMSC has not taken."""

    def retry(self, mt_id: int, now: datetime) -> None:
        """Let a reply be due now, with all its time before it; one that is leased stays so."""

    def cancel(self, mt_id: int, reason: str, now: datetime) -> bool:
        """Cancel a reply that waits or failed; false where there is none such."""

    def sealed_after(self, id_: int, limit: int) -> list[tuple[int, bytes | None, str, int | None]]:
        """(mt, what is sealed, state, when it ended) of the next *limit* texts after *id_*."""

    def reseal(self, mt_id: int, sealed: bytes) -> None:
        """What is sealed in a text, with another key."""

    def has_ended(self, mt_id: int, at: int) -> None:
        """It failed or was cancelled, at *at* microseconds or before."""

    def wipe(self, mt_id: int) -> None:
        """Forget the password in a text that nobody will send."""

    def data_keys(self) -> list[tuple[bytes, str, int, bytes]]:
        """(id, use, made, sealed) of the data keys in this database: nodes share it, or it is a
        copy, with which they came."""

    def add_data_keys(self, keys: Iterable[tuple[bytes, str, int, bytes]]) -> None:
        """Have these data keys in this database, and no others."""

    def forget_data_keys(self) -> None:
        """The data keys that came with this copy are kept elsewhere now."""


class Receipts(Protocol):
    """The daemon, for delivery receipts."""

    def awaiting_receipt(self, link: str, smsc_id: str) -> list[SentText]:
        """Texts of *link* that the SMSC gave this id, however it is written; the latest first."""

    def awaiting_receipt_anyhow(
        self, links: Iterable[str], smsc_ids: Iterable[str]
    ) -> list[SentText]:
        """The same for several links and ids, in no order."""

    def sent_text(self, mt_id: int) -> SentText | None:
        """The text *mt_id*, if it waits for a receipt."""

    def settle_sent(self, mt_id: int, state: MtState, reason: str, now: datetime) -> None:
        """The receipt of a text came: its last state."""

    def park_receipt(
        self,
        link: str,
        smsc_id: str,
        phone: str,
        state: MtState,
        reason: str,
        now: datetime,
        *,
        most: int,
    ) -> None:
        """Keep a receipt whose text is not known yet by that id."""

    def any_early_receipt(self) -> bool:
        """Whether any receipt waits for its text."""

    def early_receipts(self, links: Iterable[str], smsc_ids: Iterable[str]) -> list[EarlyReceipt]:
        """What came by any of *links* about any of these ids, however they are written."""

    def forget_early_receipt(self, receipt: EarlyReceipt) -> None:
        """Its text was found."""

    def purge_early_receipts(self, before: datetime) -> None:
        """Forget receipts from before that time."""
