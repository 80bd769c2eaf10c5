"""What people look at: each verb reads, and changes nothing.

The base of `Hotline`, which changes. Nothing here leaves a line in the audit by itself: who looks
says what it was that they saw (`Hotline.note_look_up`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from smsgw.gateway import by_hand
from smsgw.gateway.lookup import Lookup
from smsgw.gateway.over import OverGateway
from smsgw.gateway.rules import Rules
from smsgw.happenings import HistoryEntry
from smsgw.model import (
    Account,
    AccountState,
    AuditEntry,
    DayCount,
    Direction,
    Message,
    MtState,
    QueuedReply,
)
from smsgw.registration import syntax
from smsgw.store import AccountRow, Reservation

_READ_AT_ONCE = 500


class Looking(OverGateway):
    """KEY means what `lookup` says."""

    @property
    def rules(self) -> Rules:
        return self._gateway.rules

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self._store, self.rules.region)

    # --- accounts -----------------------------------------------------------------------------

    def look_up(self, key: str) -> list[AccountRow]:
        """The accounts that *key* names: one, or two where it is the phone of one and the CMND of
        another. Open ones hide closed ones; where none is open, the one closed last.

        Raises:
            NotFound: there never was one.
        """
        return self._lookup.look_up(key)

    def exact(self, key: str) -> AccountRow:
        """The one account that *key* names, to be changed; it may be closed.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
        """
        return self._lookup.exact(key)

    def seen(self, key: str) -> AccountRow:
        """The open account that *key* names, as it is now: what will be changed.

        Raises:
            NotFound: there never was one.
            Ambiguous: it fits two, open or closed.
            Closed: it was ended.
        """
        return self._lookup.open(key)

    def history(self, key: str) -> list[HistoryEntry]:
        """The whole story of each citizen behind *key*, oldest first.

        Raises:
            NotFound: nobody with that key ever texted.
        """
        return self._lookup.history(key)

    def accounts(
        self,
        *,
        state: AccountState | None = None,
        expiring_before: datetime | None = None,
        name: str | None = None,
        newest: bool = False,
        limit: int | None = None,
    ) -> Iterator[Account]:
        """Accounts in the order of registration, or those that expire, soonest first.

        Args:
            name: only those whose name has it in it, without regard to diacritics and case.
            newest: the newest first; also of those that expire.
            limit: at most so many.
        """
        folded = None
        if name is not None:
            # What cannot be folded is too long for anybody's name.
            folded = " ".join((syntax.fold(name) or name).lower().split())
        return self._store.accounts(
            state=state, expiring_before=expiring_before, name=folded, newest=newest, limit=limit
        )

    def issued_since(
        self, since: datetime, *, link: str | None = None, prefix: str = ""
    ) -> list[int]:
        """The accounts that were registered since then and are issued still: what a flood left.

        Args:
            link: by this one alone; None: by any.
            prefix: from phones that begin so, in E.164.
        """
        return self._store.issued_since(since, link, prefix)

    def accounts_by_ids(self, ids: Sequence[int]) -> Iterator[Account]:
        """These accounts, in steps between which nothing is read."""
        for start in range(0, len(ids), _READ_AT_ONCE):
            for row in self._store.accounts_by_ids(ids[start : start + _READ_AT_ONCE]):
                yield row.account

    def reservation(self, cmnd: str, now: datetime) -> Reservation | None:
        """For whom this CMND is reserved."""
        return self._store.reservation(cmnd, now)

    def open_account_of(self, number: str) -> str | None:
        """The user name that a phone (E.164) has now."""
        return next(iter(self._store.senders([number])[2]), None)

    # --- texts --------------------------------------------------------------------------------

    def messages(
        self,
        *,
        phone: str | None = None,
        direction: Direction | None = None,
        state: MtState | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """What came and went, the newest first; passwords are masked."""
        return self._store.messages(
            phone=phone, direction=direction, state=state, since=since, limit=limit
        )

    def outbox(self) -> list[QueuedReply]:
        """Texts that the SMSC has not taken, the oldest first."""
        return self._store.outbox()

    def counts(self, since: datetime | None = None) -> list[DayCount]:
        """What came and went on each local day."""
        return self._store.stats(since, self.rules.zone)

    def told_account(self, mt_id: int) -> Account | None:
        """The account that nobody gets into if this reply is cancelled; None: there is none.

        Raises:
            NotFound: it is not in the outbox.
        """
        return by_hand.told_account(self._tools, mt_id)

    # --- links, the audit ---------------------------------------------------------------------

    def stopped_links(self) -> dict[str, str]:
        """The links that somebody took down, and in words who, when and why."""
        stopped = self._store.stopped_links()
        return {name: stop.told(self.rules.zone) for name, stop in stopped.items()}

    def check_link(self, name: str) -> None:
        """
        Raises:
            NoLink: there is none of that name.
        """
        by_hand.check_link(self.rules, name)

    def audit(self, since: datetime | None = None, who: str | None = None) -> Iterator[AuditEntry]:
        """Who looked at what and did what, the oldest first."""
        return self._store.audit(since, who)
