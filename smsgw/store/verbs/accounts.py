"""Accounts and reservations."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from smsgw.clock import stamp, unstamp
from smsgw.errors import NoAccount
from smsgw.model import (
    Account,
    AccountState,
    Address,
)
from smsgw.store.values import (
    STEP,
    AccountRow,
    Guesses,
    Reservation,
)
from smsgw.store.verbs.engine import moment
from smsgw.store.verbs.ids import Ids
from smsgw.store.verbs.names import Names

sql = Names("accounts")

_ACCOUNTS_AT_ONCE = 500
_IDS_AT_ONCE = 10_000  # looked at by one statement


class Accounts(Ids):
    """Accounts and reservations."""

    # --- accounts -----------------------------------------------------------------------------

    def due_accounts(self, now: datetime, limit: int) -> list[AccountRow]:
        """Accounts whose issued password has lapsed, oldest first."""
        return [account_row(r) for r in self._all(sql.DUE_ACCOUNTS, now=stamp(now), limit=limit)]

    def last_expiry(self) -> datetime | None:
        """When the last of the issued passwords lapses."""
        return moment(self._one(sql.LAST_EXPIRY)[0])

    def set_back_expiries(self, latest: datetime, expires: datetime) -> int:
        """Let passwords lapse at *expires* that were to lapse after *latest*; how many, of `STEP`
        at most."""
        values = {"latest": stamp(latest), "expires": stamp(expires), "limit": STEP}
        return self._count(sql.SET_BACK_EXPIRY, **values)

    def count_due_accounts(self, now: datetime, limit: int = -1) -> int:
        """How many there are, counted to *limit*; below 0: to the end."""
        count: int = self._one(sql.COUNT_DUE_ACCOUNTS, now=stamp(now), limit=limit)[0]
        return count

    def account(self, account_id: int) -> AccountRow:
        row = self._one(sql.ACCOUNT_BY_ID, id=account_id)
        if row is None:
            raise NoAccount(f"number {account_id}")
        return account_row(row)

    def accounts_of_cmnd(self, cmnd: str) -> list[AccountRow]:
        """The open account of a CMND, then closed ones, the latest first."""
        return [account_row(row) for row in self._all(sql.ACCOUNTS_BY_CMND, cmnd=cmnd)]

    def accounts_of_phone(self, phone: str) -> list[AccountRow]:
        """The open account of a phone (E.164), then closed ones, the latest first."""
        return [account_row(row) for row in self._all(sql.ACCOUNTS_BY_PHONE, phone=phone)]

    def last_closed(self, accounts: Iterable[int]) -> int:
        """Which of these closed accounts was closed last."""
        id_: int = self._one(sql.LAST_CLOSED, accounts=self._ids(accounts))[0]
        return id_

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
        the newest, soonest first. *name*: in lower case, only names that it is a part of.

        Read some at a time: whoever prints them to somebody who does not read them keeps no
        snapshot of the database open, for which the log would grow without end. A name has no
        index, since one more with random keys would slow each registration: the table is gone
        through, and no further than to the last that was asked for.
        """
        before = None if expiring_before is None else stamp(expiring_before)
        values = {"state": state, "name": name, "before": before}
        if before is None or newest:
            found = self._by_id(values, newest=newest)
        else:
            found = self._by_expiry(values)
        for row in islice(found, limit):
            yield _account(row)

    def _by_id(self, values: dict[str, Any], *, newest: bool) -> Iterator[Any]:
        """Rows in steps of ids; each step reads few rows, or many ids of which few pass."""
        last, step = self.last_ids()[1], _IDS_AT_ONCE
        statement = sql.LIST_NEWEST if newest else sql.LIST_OLDEST
        starts = range(0, last, step)
        for start in reversed(starts) if newest else starts:
            after, end = start, start + step
            while rows := self._all(
                statement, **values, after=after, end=end, limit=_ACCOUNTS_AT_ONCE
            ):
                yield from rows
                if newest:
                    end = rows[-1][0] - 1
                else:
                    after = rows[-1][0]
                if len(rows) < _ACCOUNTS_AT_ONCE:
                    break

    def _by_expiry(self, values: dict[str, Any]) -> Iterator[Any]:
        """Rows of issued accounts, those first whose password lapses first."""
        values |= {"limit": _ACCOUNTS_AT_ONCE, "after": 0, "expired": 0}
        while rows := self._all(sql.LIST_EXPIRING, **values):
            yield from rows
            values |= {"after": rows[-1][0], "expired": rows[-1][9]}

    def issued_since(self, since: datetime, link: str | None, prefix: str) -> list[int]:
        """Accounts registered since then that are issued still, by *link* (None: any) and from a
        phone that begins with *prefix* in E.164; oldest first.

        Read in steps, so that no read is long enough to hold up the log's way back into the file.
        """
        values = {"since": stamp(since), "link": link, "prefix": prefix}
        found: list[int] = []
        for after in range(0, self.last_ids()[1], _IDS_AT_ONCE):
            end = after + _IDS_AT_ONCE
            rows = self._all(sql.ISSUED_SINCE, after=after, end=end, **values)
            found += [id_ for (id_,) in rows]
        return found

    def accounts_by_ids(self, ids: Iterable[int]) -> list[AccountRow]:
        """Those of these accounts that are there, oldest first."""
        return [account_row(row) for row in self._all(sql.ACCOUNTS_BY_IDS, ids=self._ids(ids))]

    def set_undelivered(self, account_id: int, texts: int) -> None:
        """So many texts in a row with the account's password reached nobody."""
        self._execute(sql.SET_UNDELIVERED, (texts, account_id))

    # --- reservations -------------------------------------------------------------------------

    def any_reservation(self, now: datetime) -> bool:
        return self._one(sql.ANY_RESERVATION, now=stamp(now)) is not None

    def reservation(self, cmnd: str, now: datetime) -> Reservation | None:
        """For whom this CMND is reserved *now*."""
        row = self._one(sql.FIND_RESERVATION, cmnd=cmnd, now=stamp(now))
        return None if row is None else Reservation(row[0], unstamp(row[1]))

    def reserve(self, cmnd: str, reservation: Reservation | None) -> None:
        """Let one phone alone register this CMND, or again any; an earlier word is void."""
        if reservation is None:
            self._run(sql.END_RESERVATION, cmnd=cmnd)
        else:
            phone, ends = reservation
            self._run(sql.RESERVE, cmnd=cmnd, phone=phone, ends=stamp(ends))

    def purge_reservations(self, now: datetime) -> None:
        self._run(sql.PURGE_RESERVATIONS, now=stamp(now))

    def guesses(self, account_id: int) -> Guesses | None:
        """What was guessed at an account's password, if anything was."""
        row = self._one(sql.GET_GUESSES, account=account_id)
        return None if row is None else Guesses(row[0], row[1], unstamp(row[2]))

    def set_guesses(self, account_id: int, guesses: Guesses) -> None:
        password, wrong, at = guesses
        self._run(sql.SET_GUESSES, account=account_id, password=password, wrong=wrong, at=stamp(at))

    def forget_guesses(self, account_id: int) -> None:
        self._run(sql.FORGET_GUESSES, account=account_id)


def _account(row: Any) -> Account:
    return Account(
        id=row[0],
        cmnd=row[1],
        phone=row[2],
        full_name=row[3],
        birth_date=date.fromisoformat(row[4]),
        state=AccountState(row[5]),
        link=row[6],
        registered_at=unstamp(row[7]),
        password_issued_at=moment(row[8]),
        password_expires_at=moment(row[9]),
        reminders=row[10],
    )


def account_row(row: Any) -> AccountRow:
    """The account of which *row* has the columns at its beginning."""
    return AccountRow(_account(row), row[11], row[12], row[13], Address(*row[14:17]))
