"""What one transaction adds and changes, gathered by name and written in bulk.

Each row is kept as SQLite takes it, in the order in which its statement binds: a plain tuple of
plain str, int and bytearray. sqlite3 reads these at once, and asks its adapters what to do with
anything else (an enum member, bool, bytes, None), which takes longer than storing it. Nobody
outside the store sees that order. Rows that are rare may have None.
"""

import re
from typing import Any

from smsgw.model import AccountState, Address, Feed, Ignored, Outcome

Row = tuple[Any, ...]

#: Of a fingerprint, what is left beside the quarter of an hour; it fits 63 bits until 2089.
FINGERPRINT_BITS = 41
FINGERPRINT_MASK = (1 << FINGERPRINT_BITS) - 1
_QUARTER = 900_000_000  # microseconds
# `.value` is a function of Python's: three times as slow as a look into a dict.
_OUTCOME = {outcome: outcome.value for outcome in Outcome}
_STATE = {state: state.value for state in AccountState}


# PostgreSQL keeps neither, and a text that is refused for them would come again for ever.
_UNFIT = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """*text* as every engine keeps it: U+FFFD stands for U+0000 and for halves of surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNFIT.sub("\ufffd", text)


def quarter(at: int) -> int:
    """The lowest fingerprint of a text that came in the quarter of an hour of *at*."""
    return at // _QUARTER << FINGERPRINT_BITS


class Changes:
    """All that one transaction adds, and what it does to accounts that exist.

    Times are microseconds since 1970; `Store.write` writes everything, one statement a table.
    """

    __slots__ = (
        *("accounts", "closed", "ended", "history", "ignored", "issued", "kept", "mos", "mts"),
        *("own", "subjects", "subscribers", "superseded", "surplus", "told"),
    )

    def __init__(self) -> None:
        self.subscribers: list[Row] = []
        self.mos: list[Row] = []
        self.ignored: list[Row] = []
        self.surplus: list[Row] = []
        self.mts: list[Row] = []
        self.superseded: list[Row] = []
        self.accounts: list[Row] = []
        # What becomes of the password of an account that exists:
        self.issued: list[Row] = []
        self.own: list[Row] = []
        self.ended: list[Row] = []
        self.kept: list[Row] = []
        self.closed: list[Row] = []
        self.history: list[Row] = []
        # Of accounts that the portal's programs know:
        self.subjects: list[Row] = []
        self.told: list[Row] = []

    # --- texts --------------------------------------------------------------------------------

    def add_subscriber(self, id_: int, phone: str) -> None:
        """Somebody texts for the first time.

        Args:
            phone: E.164; what is no telephone number, as the carrier writes it.
        """
        self.subscribers.append((id_, storable(phone)))

    def add_mo(
        self,
        id_: int,
        *,
        at: int,
        subscriber: int,
        link: str,
        session: int,
        fingerprint: int,
        outcome: Outcome,
        text: str | None,
    ) -> None:
        """A citizen's text.

        Args:
            fingerprint: of the octets and the carrier; 0: none is kept.
        """
        kept = at // _QUARTER << FINGERPRINT_BITS | fingerprint & FINGERPRINT_MASK
        said = text and storable(text)
        self.mos.append((id_, at, subscriber, link, session, kept, _OUTCOME[outcome], said))

    def ignore(self, mo: int, reason: Ignored) -> None:
        """Why a text is not answered."""
        self.ignored.append((mo, reason.value))

    def count_surplus(self, subscriber: int, *, hour: int, number: int, at: int) -> None:
        """So many texts more of a sender in that hour are counted and not kept, until *at*."""
        self.surplus.append((hour, subscriber, number, at))

    def add_mt(
        self,
        id_: int,
        *,
        at: int,
        subscriber: int,
        to: Address,
        link: str,
        wording: int,
        mo: int | None,
        account: int | None,
        reminder: bool,
        leased_until: int,
        sealed: bytes | None,
    ) -> None:
        """A text of ours for the outbox.

        Args:
            mo: the text that it answers.
            account: the one whose password it tells.
            leased_until: so long a link has it in memory, and it is on its first try; 0: no link
                has, it is due at once.
        """
        number, ton, npi = to
        due, leased = (leased_until, 1) if leased_until else (at, 0)
        self.mts.append(
            (
                id_, at, subscriber, link, wording, mo, account, 1 if reminder else 0,
                due, leased, leased, number, ton, npi, sealed and bytearray(sealed),
            )
        )  # fmt: skip

    def supersede(self, mt: int, reason: str, at: int) -> None:
        """A text tells a password that is no more: cancel it where it still waits, and wipe what
        is sealed in it."""
        self.superseded.append((mt, storable(reason), at))

    def texts(self) -> list[tuple[int, str, str, int | None]]:
        """Of each citizen's text its id, link and outcome, and the id of what answers it."""
        answers = {row[5]: row[0] for row in self.mts}
        return [(row[0], row[3], row[6], answers.get(row[0])) for row in self.mos]

    # --- accounts -----------------------------------------------------------------------------

    def add_account(
        self,
        id_: int,
        *,
        at: int,
        subscriber: int,
        cmnd: str,
        name: str,
        birth_date: str,
        state: AccountState,
        link: str,
        address: Address,
        password_hash: str,
        mt: int,
        expires: int,
    ) -> None:
        """A new account; its row is the first line of its history, too.

        Args:
            birth_date: YYYY-MM-DD.
            mt: the text that tells the password.
        """
        number, ton, npi = address
        self.accounts.append(
            (
                id_, subscriber, cmnd, name, birth_date, _STATE[state], link, number, ton, npi,
                password_hash, mt, at, at, expires,
            )
        )  # fmt: skip

    def issue_password(
        self,
        account: int,
        state: AccountState,
        *,
        password_hash: str,
        mt: int,
        at: int,
        expires: int,
        reminders: int,
    ) -> None:
        """An account that exists has a new issued password, told by the text *mt*.

        Args:
            reminders: how many have been sent since somebody asked for a password.
        """
        self.issued.append((_STATE[state], password_hash, mt, at, expires, reminders, account))

    def set_own_password(self, account: int, state: AccountState, password_hash: str) -> None:
        """The password is the citizen's own; nothing lapses any more."""
        self.own.append((_STATE[state], password_hash, account))

    def end_password(self, account: int, state: AccountState) -> None:
        """The password is deleted and not replaced; nothing lapses any more."""
        self.ended.append((_STATE[state], account))

    def keep_password(self, account: int, state: AccountState) -> None:
        """The state alone changes."""
        self.kept.append((_STATE[state], account))

    def close_account(self, account: int, state: AccountState, at: int) -> None:
        """The account has ended, and its password with it."""
        self.closed.append((_STATE[state], at, account))

    def tell(self, account: int, what: Feed, at: int, sub: str | None = None) -> None:
        """Something to tell of an account, if it was active once.

        Args:
            sub: of one that is active now, and has none yet.
        """
        if sub is not None:
            self.subjects.append((sub, account, at))
        self.told.append((what.value, at, account))

    def add_history(
        self,
        account: int,
        *,
        at: int,
        what: str,
        before: AccountState,
        after: AccountState,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """A line of an account's story.

        Args:
            who: did it at the command line.
        """
        states = _STATE[before], _STATE[after]
        said = who and storable(who), reason and storable(reason)
        self.history.append((account, account, at, what, *states, *said))
