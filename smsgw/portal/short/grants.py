"""Requests of clients that wait, codes and access tokens as the short-lived file keeps them: by
digest, none for longer than it can be asked for."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from smsgw.clock import stamp, unstamp
from smsgw.portal.short import sql
from smsgw.portal.short.engine import Engine
from smsgw.portal.short.rows import CodeRow, Limits, TokenRow, TransactionRow
from smsgw.store import Unavailable

#: So many there may be at a time; the oldest go.
MOST_WAITING = 50_000  #: requests, in browsers where nobody is logged in
MOST_CODES = 20  #: of an account
MOST_TOKENS = 50  #: of an account
MOST_OF_CLIENT = 1_000  #: tokens that a client has for itself
#: Requests that wait are counted after so many new ones.
_TRIM_EACH = 1_000


class Grants:
    def __init__(self, engine: Engine) -> None:
        self._run = engine.run
        self._all = engine.alone
        self._transaction = engine.transaction
        self._since_trim = 0

    # --- what waits in a browser ----------------------------------------------------------------

    def wait(self, row: TransactionRow, limits: Limits) -> None:
        """Keep the request of a client, instead of any before it in this browser."""
        values = row._asdict() | {"at": stamp(row.at)}
        self._all(sql.SET_TRANSACTION, **values)
        self._since_trim += 1
        if self._since_trim >= _TRIM_EACH:
            self._since_trim = 0
            with suppress(Unavailable):  # the next one will tell
                self._forget_waiting(row.at, limits)

    def waiting(self, browser: bytes) -> TransactionRow | None:
        found = self._all(sql.FIND_TRANSACTION, browser=browser)
        if not found:
            return None
        row = TransactionRow(*found[0])
        answered_at = None if found[0][-1] is None else unstamp(found[0][-1])
        return row._replace(at=unstamp(found[0][-2]), answered_at=answered_at)

    def bind_waiting(self, browser: bytes, sid: str) -> None:
        """Somebody has logged in: what waits ends with that session; what was another's, now."""
        with self._transaction():
            self._run(sql.BIND_TRANSACTION, browser=browser, sid=sid)
            self._run(sql.END_TRANSACTION_OF_ANOTHER, browser=browser, sid=sid)

    def answer_waiting(self, browser: bytes, now: datetime) -> None:
        """The client was told."""
        self._all(sql.ANSWER_TRANSACTION, browser=browser, now=stamp(now))

    def end_waiting(self, browser: bytes) -> None:
        self._all(sql.END_TRANSACTION, browser=browser)

    # --- codes ----------------------------------------------------------------------------------

    def add_code(self, code: CodeRow) -> None:
        values = code._asdict() | {"until": stamp(code.until), "spent": int(code.spent)}
        with self._transaction():
            self._run(sql.ADD_CODE, **values)
            self._run(sql.CROWD_CODES, account=code.account, most=MOST_CODES)

    def code(self, key: bytes) -> CodeRow | None:
        """One that was given out, used or not; None: never, or long ago."""
        found = self._all(sql.FIND_CODE, key=key)
        if not found:
            return None
        row = CodeRow(*found[0])
        return row._replace(until=unstamp(found[0][-2]), spent=bool(row.spent))

    def spend(self, key: bytes, token: TokenRow, now: datetime) -> bool:
        """Give *token* for a code; false: it was used already, or has lapsed, and nothing is done.

        One statement looks and takes, so that of two who come at a time one is refused.
        """
        with self._transaction():
            if not self._run(sql.SPEND_CODE, key=key, now=stamp(now)):
                return False
            self._add(token)
        return True

    def used_again(self, key: bytes) -> int:
        """End what was given for a code; how many tokens that were."""
        return len(self._all(sql.END_ACCESS_OF_CODE, code=key))

    # --- tokens ---------------------------------------------------------------------------------

    def add_token(self, token: TokenRow) -> None:
        with self._transaction():
            self._add(token)

    def token(self, key: bytes, now: datetime) -> TokenRow | None:
        """One that has not lapsed."""
        found = self._all(sql.FIND_ACCESS, key=key, now=stamp(now))
        return _token(found[0]) if found else None

    def end_token(self, key: bytes) -> None:
        self._all(sql.END_ACCESS, key=key)

    def _add(self, token: TokenRow) -> None:
        values = token._asdict() | {"made_at": stamp(token.made_at), "until": stamp(token.until)}
        self._run(sql.ADD_ACCESS, **values)
        if token.account is None:
            self._run(sql.CROWD_ACCESS_OF_CLIENT, client=token.client, most=MOST_OF_CLIENT)
        else:
            self._run(sql.CROWD_ACCESS, account=token.account, most=MOST_TOKENS)

    # --- upkeep -----------------------------------------------------------------------------------

    def end_without_session(self, account: int) -> None:
        """End the tokens of an account whose sessions were ended, inside a transaction."""
        self._run(sql.END_ACCESS_WITHOUT_SESSION, account=account)

    def forget(self, now: datetime, limits: Limits) -> None:
        self._forget_waiting(now, limits)
        self._all(sql.FORGET_ACCESS, now=stamp(now))
        self._all(sql.FORGET_CODES, now=stamp(now))

    def _forget_waiting(self, now: datetime, limits: Limits) -> None:
        before = stamp(now - limits.absolute)
        self._all(sql.FORGET_TRANSACTIONS, before=before, most=MOST_WAITING)


def _token(row: tuple[Any, ...]) -> TokenRow:
    found = TokenRow(*row)
    return found._replace(made_at=unstamp(row[-2]), until=unstamp(row[-1]))
