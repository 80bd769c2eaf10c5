"""What citizens do themselves, for the portal: log in, choose a password, complete their data.

The same rules, store and table of transitions as the daemon's and the hotline's. Each verb is one
short transaction and hashes nothing; who calls it owns the store's thread. A password is told by
its `mark`: whoever proved one shows its mark, and a verb that finds another one raises
`SecretReplaced` and has changed nothing. What lives shortly (sessions, tries) is not here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from smsgw.gateway.gateway import Gateway
from smsgw.model import Account, AccountState
from smsgw.registration.own_password import Person
from smsgw.registration.profile import Answers, Fault, Question


class Proof(NamedTuple):
    """What a password is judged against."""

    account: int | None  #: None: no open account has that name
    hash: str | None  #: None: nothing opens it (unknown, closed, ended): hash a dummy all the same
    state: AccountState | None
    mark: str  #: of the password; the same as long as the password is; "": there is none
    usable_until: datetime | None  #: an issued one is replaced then; None: it does not lapse
    shut: bool  #: 100 wrong in a row: nothing is judged until the password is a new one


class LogIn(NamedTuple):
    """A good log-in."""

    at: datetime
    how: str  #: "page", or the NAME of a client
    address: str  #: from where; "" where a client did not say


class LoggedIn(NamedTuple):
    """A log-in was written down."""

    before: LogIn | None  #: the one before it


@dataclass(frozen=True, slots=True)
class Consent:
    at: datetime
    text: str  #: which version of the policy was agreed to
    version: int  #: of the data that were confirmed


@dataclass(frozen=True, slots=True)
class Citizen:
    """An open account with what its citizen has told."""

    account: Account
    mark: str
    answers: Answers
    version: int  #: of the answers; grows with each change
    consent: Consent | None
    sub: str | None  #: None: nobody has needed one
    person: Person  #: what a new password must not be

    @property
    def must_change(self) -> bool:
        """The issued password is still to be changed for an own one."""
        return self.account.state is AccountState.ISSUED

    @property
    def must_complete(self) -> bool:
        """Something is still to be answered or confirmed."""
        raise NotImplementedError

    @property
    def first_open(self) -> Question | None:
        """The first question without an answer."""
        raise NotImplementedError


class Citizens:
    """An account is named by its id; of a closed one no verb does anything.

    Args:
        gateway: over the portal's store; it seals and sends nothing here.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    # --- passwords ------------------------------------------------------------------------------

    def proof(self, username: str, now: datetime) -> Proof:
        """What opens the account of *username* (9 or 12 digits), if there is one."""
        raise NotImplementedError

    def proof_of(self, account: int, now: datetime) -> Proof:
        """The same of an account: whether a session's mark is still the password's."""
        raise NotImplementedError

    def renew_hash(self, account: int, old: str, new: str) -> None:
        """The same password with other parameters. No change: sessions and counters stay."""
        raise NotImplementedError

    def log_in(
        self, account: int, mark: str, now: datetime, *, address: str, how: str = "page"
    ) -> LoggedIn:
        """Somebody proved the password of that *mark*.

        Raises:
            SecretReplaced: it was replaced meanwhile.
        """
        raise NotImplementedError

    def set_own_password(
        self, account: int, mark: str, new_hash: str, now: datetime, *, by: str = "page"
    ) -> str:
        """Keep the citizen's own password in place of the one of that *mark*; the new mark.

        Args:
            by: "page", or the NAME of a client; kept in the history.

        Raises:
            SecretReplaced: by a text, the expiry pass, the hotline; the new one is not kept.
        """
        raise NotImplementedError

    def shut(self, username: str, now: datetime) -> None:
        """100 wrong in a row: nothing is judged for that name until its password is a new one; a
        name without one is shut for 30 days."""
        raise NotImplementedError

    def is_shut(self, username: str, now: datetime) -> bool:
        raise NotImplementedError

    # --- data -----------------------------------------------------------------------------------

    def citizen(self, account: int, mark: str) -> Citizen:
        """
        Raises:
            SecretReplaced: the password is another one by now, or the account closed.
        """
        raise NotImplementedError

    def sub(self, account: int, mark: str, now: datetime) -> str:
        """The account's `sub`, made where it has none.

        Raises:
            SecretReplaced: as above.
        """
        raise NotImplementedError

    def save(
        self, account: int, mark: str, question: Question, typed: Mapping[str, str], now: datetime
    ) -> tuple[Fault, ...]:
        """Keep the answer to one page; empty: it is kept. Else all that is wrong with it.

        Raises:
            SecretReplaced: as above.
            MustChange: the issued password comes first.
        """
        raise NotImplementedError

    def confirm(self, account: int, mark: str, version: int, text: str, now: datetime) -> bool:
        """The citizen agrees to the policy *text* and confirms the answers of that *version*.

        Returns:
            False: they were changed in another window, or one is missing; nothing was done.

        Raises:
            SecretReplaced, MustChange: as above.
        """
        raise NotImplementedError

    def disclosed(
        self, accounts: Iterable[int], client: str, scopes: Iterable[str], now: datetime
    ) -> None:
        """The data of these *scopes* went to that client (its NAME). Once a day is enough."""
        raise NotImplementedError

    def own_data(self, account: int) -> dict[str, Any]:
        """All that is kept of a citizen, as plain values of JSON: for the page, and for `accounts
        export`; the account may be closed."""
        raise NotImplementedError
