"""What the hotline, monitoring and the daily work ask of a store."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Protocol

from smsgw.happenings import HistoryEntry
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    DayCount,
    Direction,
    LinkState,
    LinkStatus,
    Message,
    MtState,
    QueuedReply,
)
from smsgw.store.values import (
    AccountRow,
    Beat,
    Guesses,
    LinkCount,
    Reservation,
    Stop,
)


class Accounts(Protocol):
    """The expiry pass and the hotline: accounts, their passwords, CMND kept for somebody."""

    def due_accounts(self, now: datetime, limit: int) -> list[AccountRow]:
        """Accounts whose issued password has lapsed, oldest first."""

    def last_expiry(self) -> datetime | None:
        """When the last of the issued passwords lapses."""

    def set_back_expiries(self, latest: datetime, expires: datetime) -> int:
        """Let `STEP` passwords that would lapse after *latest* lapse at *expires*; how many."""

    def count_due_accounts(self, now: datetime, limit: int = -1) -> int:
        """How many there are, counted to *limit*; below 0: to the end."""

    def account(self, account_id: int) -> AccountRow:
        """One account by its id; `NoAccount` where there is none."""

    def accounts_of_cmnd(self, cmnd: str) -> list[AccountRow]:
        """The open account of a CMND, then closed ones, the latest first."""

    def accounts_of_phone(self, phone: str) -> list[AccountRow]:
        """The open account of a phone (E.164), then closed ones, the latest first."""

    def last_closed(self, accounts: Iterable[int]) -> int:
        """Which of these closed accounts was closed last."""

    def accounts(
        self,
        *,
        state: AccountState | None = None,
        expiring_before: datetime | None = None,
        name: str | None = None,
        newest: bool = False,
        limit: int | None = None,
    ) -> Iterator[Account]:
        """Accounts in the order of registration, or the *newest* first; those that expire, unless
        the newest, soonest first. *name*: in lower case, only names that it is a part of."""

    def issued_since(self, since: datetime, link: str | None, prefix: str) -> list[int]:
        """Issued accounts registered since then, by *link* and from phones like *prefix*."""

    def accounts_by_ids(self, ids: Iterable[int]) -> list[AccountRow]:
        """Those of these accounts that are there, oldest first."""

    def set_undelivered(self, account_id: int, texts: int) -> None:
        """So many texts in a row with the account's password reached nobody."""

    def any_reservation(self, now: datetime) -> bool:
        """Whether any CMND is reserved *now*."""

    def reservation(self, cmnd: str, now: datetime) -> Reservation | None:
        """For whom this CMND is reserved *now*."""

    def reserve(self, cmnd: str, reservation: Reservation | None) -> None:
        """Let one phone alone register this CMND, or again any; an earlier word is void."""

    def purge_reservations(self, now: datetime) -> None:
        """Forget reservations that are over."""

    def guesses(self, account_id: int) -> Guesses | None:
        """What was guessed at an account's password, if anything was."""

    def set_guesses(self, account_id: int, guesses: Guesses) -> None:
        """Remember what was guessed at an account's password."""

    def forget_guesses(self, account_id: int) -> None:
        """Nobody guessed wrong since."""


class Reports(Protocol):
    """People at the command line, and monitoring; nothing here writes."""

    def account_history(self, account_id: int) -> list[HistoryEntry]:
        """The changes of an account's state, in their order."""

    def messages(
        self,
        *,
        phone: str | None = None,
        direction: Direction | None = None,
        state: MtState | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """What came and went, newest first; *state* is that of an MT and leaves out every MO."""

    def delivery_history(self, phone: str) -> list[HistoryEntry]:
        """The texts of one phone, both ways, and what became of ours."""

    def outbox(self) -> list[QueuedReply]:
        """What the SMSC has not taken, oldest first."""

    def stats(self, since: datetime | None, zone: tzinfo) -> list[DayCount]:
        """Counts by local day, direction and outcome, oldest day first."""

    def count_outbox(self, after: int, limit: int) -> tuple[list[LinkCount], int | None]:
        """What *limit* texts after it are, by link; where to go on."""

    def last_times(self) -> tuple[datetime | None, datetime | None]:
        """When the last text came, and when an SMSC last took one of ours."""

    def count_since(self, since: datetime) -> tuple[int, int]:
        """How many texts came, and how many were made, since then; reads them all."""


class Upkeep(Protocol):
    """Daily work and what the daemon tells commands: audit, links, facts, retention."""

    def note(
        self,
        at: datetime,
        who: str,
        command: str,
        account: str | None,
        detail: str,
        *,
        account_id: int | None = None,
    ) -> int:
        """Add a line to the audit; its id."""

    def amend_note(self, note: int, detail: str) -> None:
        """Say in a line of the audit how it ended."""

    def audit(self, since: datetime | None = None, who: str | None = None) -> Iterator[AuditEntry]:
        """Who did what, in order of time; nothing is held open between two pages."""

    def purge_audit(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* lines of the audit; how many went."""

    def links(self) -> list[LinkStatus]:
        """What the daemon said last of each link."""

    def set_link(
        self,
        name: str,
        state: LinkState,
        reason: str | None,
        now: datetime,
        next_try: datetime | None = None,
    ) -> None:
        """Say in which state a link is, and why, and when it tries to bind again."""

    def set_oddities(self, name: str, oddities: Mapping[str, int]) -> None:
        """Keep how often the peer of a link was odd, by kind."""

    def forget_link(self, name: str) -> None:
        """It is no longer configured."""

    def stopped_links(self) -> dict[str, Stop]:
        """The links that somebody took down, and who it was."""

    def stop_link(self, name: str, stop: Stop) -> bool:
        """Remember that it is to stay down; false: it was down already."""

    def start_link(self, name: str) -> bool:
        """Forget that; false: nobody had stopped it."""

    def count_on_link(self, name: str, mo: int, mt: int) -> None:
        """So many MO came and so many MT were taken."""

    def beat(self, beat: Beat) -> None:
        """Keep that a daemon lives, instead of what was known of its node."""

    def beats(self) -> list[Beat]:
        """The last that is known of the daemon of each node."""

    def carriers(self) -> dict[str, str]:
        """The carrier last known of each link there ever was."""

    def set_carriers(self, carriers: Mapping[str, str]) -> None:
        """Remember the carrier of each of these links."""

    def fact(self, name: str) -> str | None:
        """One fact about this store, by its name."""

    def set_fact(self, name: str, value: str) -> None:
        """Keep it."""

    def forget_fact(self, name: str) -> None:
        """It is not so any more."""

    def purge_messages(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* old MO and MT each; how many went."""

    def purge_accounts(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* accounts closed before that time, with their history."""
