"""What the city's programs ask: accounts by `sub`, a first copy of all, the feed of changes.

A place in a list is a cursor: opaque, good for the list and the database that gave it, and known
for what it is when it never was one.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar

from smsgw import records
from smsgw.errors import CursorTooOld, NoProfile, NoSubject, NoSuchCursor, NotTheVersion
from smsgw.gateway.citizen import Citizen, citizen_of, keep
from smsgw.gateway.over import OverGateway
from smsgw.model import AccountState
from smsgw.registration import merge_patch
from smsgw.registration.merge_patch import PatchFault
from smsgw.store import CitizenRow, FeedRow

T = TypeVar("T")

_CURSOR_OCTETS = 8
_SEAL_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Portrait:
    """An account as programs see it."""

    account: int
    sub: str
    state: AccountState
    must_change: bool
    must_complete: bool
    updated_at: datetime
    profile: dict[str, Any] | None  #: plain values of JSON; None: issued, closed, not confirmed

    @property
    def version(self) -> str:
        """Another one where anything of it is another: for ETag and If-Match, without quotes."""
        told = (self.sub, self.state.value, self.must_complete, self.updated_at, self.profile)
        return blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def record(self) -> dict[str, object]:
        """The account's JSON."""
        return {
            "sub": self.sub,
            "state": self.state.value,
            "must_change": self.must_change,
            "must_complete": self.must_complete,
            "updated_at": records.plain(self.updated_at),
            **({} if self.profile is None else {"profile": self.profile}),
        }


def portrait(row: CitizenRow) -> Portrait:
    """Of an account that has a `sub`."""
    assert row.sub is not None  # noqa: S101 - who asks by sub found one
    assert row.updated_at is not None  # noqa: S101 - the same row of the table
    citizen = citizen_of(row)
    account = citizen.account
    told = account.state is AccountState.ACTIVE and not citizen.must_complete
    return Portrait(
        account=account.id,
        sub=row.sub,
        state=account.state,
        must_change=citizen.must_change,
        must_complete=citizen.must_complete,
        updated_at=row.updated_at,
        profile=profile_of(citizen) if told else None,
    )


def profile_of(citizen: Citizen) -> dict[str, Any]:
    """What a citizen has told and texted, as programs read it."""
    account, answers = citizen.account, citizen.answers
    return {
        "full_name": answers.full_name,
        "gender": records.plain(answers.gender),
        "birth_date": records.plain(account.birth_date),
        "cmnd": account.cmnd,
        "phone": account.phone,
        "id_issued_on": records.plain(answers.id_issued_on),
        "id_issued_by": answers.id_issued_by,
        "home": records.plain(answers.home),
        "living": records.plain(answers.lives_at),
        "email": answers.email or None,
    }


class Page(NamedTuple, Generic[T]):
    """Some of a list."""

    items: list[T]
    next: str  #: the cursor behind the last of them
    more: bool


class Change(NamedTuple):
    """A line of the feed."""

    cursor: str
    row: FeedRow


class Interface(OverGateway):
    """Accounts by `sub`; an erased one is as if there never was one."""

    def by_sub(self, sub: str) -> Portrait | None:
        """One account; None: there is none, or it was erased."""
        row = self._store.citizen_of_sub(sub)
        return None if row is None else portrait(row)

    def patch_profile(
        self, sub: str, version: str, patch: object, client: str, now: datetime
    ) -> Portrait | tuple[PatchFault, ...]:
        """Merge *patch* into a profile (RFC 7396); the account after it, or all that is wrong.

        Args:
            version: of the account as the client saw it; "*": whatever it is.
            patch: the value of "profile", as JSON was read.
            client: its NAME, for the account's story.

        Raises:
            NoSubject: no such account.
            NotTheVersion: it has changed since.
            NoProfile: there is none to be changed: issued, closed or not confirmed.
        """
        store = self._store
        with store.transaction():
            row = store.citizen_of_sub(sub)
            if row is None:
                raise NoSubject
            before = portrait(row)
            if before.profile is None:
                raise NoProfile
            if version not in ("*", before.version):
                raise NotTheVersion
            citizen = citizen_of(row)
            today = self._tools.rules.today(now)
            found = merge_patch.merged(
                patch, citizen.answers, citizen.texted, before.profile, today
            )
            if isinstance(found, tuple):
                return found
            keep(store, citizen, found, client, now)
            after = store.citizen_of_sub(sub)
        assert after is not None  # noqa: S101 - it was there in this transaction
        return portrait(after)

    def active_accounts(self, after: str | None, limit: int) -> Page[Portrait]:
        """A first copy: active accounts, in the order in which they first became active.

        Raises:
            NoSuchCursor: *after* never was a place in this list.
        """
        at = 0 if after is None else self._read("accounts", after)
        if at > self._store.last_active_number():
            raise NoSuchCursor
        rows = self._store.active_citizens(at, limit + 1)
        last = rows[:limit][-1].active_number if rows else at
        cursor = self._cursor("accounts", last or at)
        return Page([portrait(row) for row in rows[:limit]], cursor, len(rows) > limit)

    def changes(self, after: str | None, limit: int) -> Page[Change]:
        """The feed, the oldest line first.

        Args:
            after: None: from the beginning of what is kept.

        Raises:
            NoSuchCursor: *after* never was a place in it.
            CursorTooOld: what followed it is not kept any more.
        """
        purged, end = self._store.feed_bounds()
        at = purged if after is None else self._read("changes", after)
        if at > end:
            raise NoSuchCursor
        if at < purged:
            raise CursorTooOld
        rows = self._store.feed(at, limit + 1)
        lines = [Change(self._cursor("changes", row.id), row) for row in rows[:limit]]
        cursor = lines[-1].cursor if lines else self._cursor("changes", at)
        return Page(lines, cursor, len(rows) > limit)

    def _cursor(self, kind: str, place: int) -> str:
        octets = place.to_bytes(_CURSOR_OCTETS, "big")
        return urlsafe_b64encode(octets + self._seal(kind, octets)).decode().rstrip("=")

    def _read(self, kind: str, cursor: str) -> int:
        """
        Raises:
            NoSuchCursor: it is none of that kind.
        """
        try:
            octets = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise NoSuchCursor from None
        place = octets[:_CURSOR_OCTETS]
        # Letter by letter: more than one writing of base64 gives the same octets.
        if self._cursor(kind, int.from_bytes(place, "big")) != cursor:
            raise NoSuchCursor
        return int.from_bytes(place, "big")

    def _seal(self, kind: str, octets: bytes) -> bytes:
        key = (self._store.fact("cursor_key") or "").encode()
        return blake2b(kind.encode() + octets, key=key, digest_size=_SEAL_OCTETS).digest()
