"""What the portal asks of a store: citizens, what they answered, programs, the feed of changes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from smsgw.happenings import HistoryEntry
from smsgw.model import Feed
from smsgw.store.values import CitizenRow, ClientRow, Disclosure, FeedRow, LogIn, Shut


class Citizens(Protocol):
    """The pages, and the interface for programs."""

    def citizen(self, account: int) -> CitizenRow | None:
        """An account by its id; it may be closed."""

    def citizen_of_cmnd(self, cmnd: str) -> CitizenRow | None:
        """The open account of a CMND."""

    def citizen_of_sub(self, sub: str) -> CitizenRow | None:
        """An account by what programs call it; None: there never was one, or it was erased."""

    def active_citizens(self, after: int, limit: int) -> list[CitizenRow]:
        """Active accounts behind that number, in the order in which they first became active."""

    def last_active_number(self) -> int:
        """The number of the one that became active last."""

    def add_subject(self, account: int, sub: str, now: datetime) -> None:
        """What programs shall call an account, unless it is called something already."""

    def renew_hash(self, account: int, old: str, new: str) -> bool:
        """Put *new* in the place of *old*; false: that is not there."""

    def keep_mark(self, account: int, digest: str, mark: str) -> None:
        """The password behind the hash of that digest keeps its mark."""

    def set_answers(self, account: int, answers: Mapping[str, Any], version: int) -> None:
        """Keep what a citizen answered, as plain values of JSON."""

    def set_consent(self, account: int, text: str, version: int, now: datetime) -> None:
        """The citizen has agreed to that text, and confirmed the answers of that version."""

    def add_profile_change(
        self, account: int, what: str, detail: str, who: str, now: datetime
    ) -> None:
        """A line of the account's story, without what was answered."""

    def portal_history(self, account: int) -> list[HistoryEntry]:
        """Log-ins, data confirmed and changed, disclosures; in no order."""

    def log_ins(self, account: int, limit: int) -> list[LogIn]:
        """Good log-ins, the latest first."""

    def add_log_in(self, account: int, how: str, address: str, now: datetime) -> None:
        """A good log-in."""

    def undisclosed(
        self, accounts: Iterable[int], client: str, scopes: str, now: datetime
    ) -> list[int]:
        """Those of which it is not written yet that this went there today (UTC)."""

    def add_disclosures(
        self, accounts: Iterable[int], client: str, scopes: str, now: datetime
    ) -> None:
        """Their data of these scopes went to that client."""

    def disclosures(self, account: int) -> list[Disclosure]:
        """To whom data went, in order of time."""

    def shut_name(self, username: str, account: int | None, mark: str, now: datetime) -> None:
        """Too many wrong passwords came at that name, which is that account's, or nobody's."""

    def shut_of(self, username: str) -> Shut | None:
        """Whether that was said of a name."""

    def purge_shut_names(self, before: datetime, limit: int) -> int:
        """Forget at most *limit* names without a password, shut before that time; how many."""

    def tell(self, account: int, what: Feed, now: datetime) -> None:
        """A line of the feed, if the account was active once."""

    def feed(self, after: int, limit: int) -> list[FeedRow]:
        """The next lines behind that one."""

    def feed_bounds(self) -> tuple[int, int]:
        """Up to which line it was purged, and the last line that there ever was."""

    def purge_log_ins(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* log-ins from before that time; how many went."""

    def purge_feed(self, before: datetime, limit: int) -> int:
        """Remove some lines of the feed from before that time; how many went."""

    def closed_before(self, before: datetime, limit: int) -> list[int]:
        """Accounts that were closed before that time."""

    def erase_citizens(self, accounts: Iterable[int], now: datetime) -> None:
        """Remove all that the portal keeps of closed accounts but each one's sub, marked erased;
        the accounts themselves may be gone already."""


class Clients(Protocol):
    """The command `clients`, and whoever a client speaks to."""

    def clients(self) -> list[ClientRow]:
        """All that there ever were, by name."""

    def client_named(self, name: str) -> ClientRow | None:
        """One by its name, also where it was revoked."""

    def client(self, client_id: str) -> ClientRow | None:
        """One by its id, also where it was revoked."""

    def add_client(self, client: ClientRow) -> None:
        """A new one, with its secrets; its `id` does not count.

        Raises:
            Conflict: there is one of that name.
        """

    def add_client_secret(self, client: int, digest: bytes, now: datetime) -> None:
        """One more secret."""

    def keep_client_secret(self, client: int, digest: bytes) -> None:
        """That secret alone counts from now on."""

    def revoke_client(self, client: int, now: datetime) -> None:
        """It and its secrets are worth nothing any more; its name is never given again."""
