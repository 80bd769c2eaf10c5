"""Citizens as the portal sees them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from smsgw.clock import stamp, unstamp
from smsgw.happenings import HistoryEntry, Noted
from smsgw.model import Feed
from smsgw.store.rows import storable
from smsgw.store.values import CitizenRow, Disclosure, FeedRow, LogIn, ProfileRow, Shut
from smsgw.store.verbs.accounts import account_row
from smsgw.store.verbs.engine import moment
from smsgw.store.verbs.feed import FeedWriter
from smsgw.store.verbs.feed import sql as feed_sql
from smsgw.store.verbs.names import Names

sql = Names("portal")

_ACCOUNT_COLUMNS = 17
_DAY = 86_400_000_000  # microseconds
_STORY = 10_000  # log-ins of one citizen, more than anyone reads


class Citizens(FeedWriter):
    """Citizens as the portal sees them."""

    # --- accounts -----------------------------------------------------------------------------

    def citizen(self, account: int) -> CitizenRow | None:
        return _citizen(self._one(sql.CITIZEN_BY_ID, account=account))

    def citizen_of_cmnd(self, cmnd: str) -> CitizenRow | None:
        return _citizen(self._one(sql.CITIZEN_BY_CMND, cmnd=cmnd))

    def citizen_of_sub(self, sub: str) -> CitizenRow | None:
        return _citizen(self._one(sql.CITIZEN_BY_SUB, sub=sub))

    def active_citizens(self, after: int, limit: int) -> list[CitizenRow]:
        rows = self._all(sql.ACTIVE_CITIZENS, after=after, limit=limit)
        return [row for row in map(_citizen, rows) if row is not None]

    def last_active_number(self) -> int:
        number: int = self._one(sql.LAST_ACTIVE_NUMBER)[0]
        return number

    def add_subject(self, account: int, sub: str, now: datetime) -> None:
        self._many(feed_sql.ADD_SUBJECT, [(sub, account, stamp(now))])

    def renew_hash(self, account: int, old: str, new: str) -> bool:
        return bool(self._count(sql.RENEW_HASH, account=account, old=old, new=new))

    def keep_mark(self, account: int, digest: str, mark: str) -> None:
        self._run(sql.KEEP_MARK, account=account, digest=digest, mark=mark)

    # --- answers ------------------------------------------------------------------------------

    def set_answers(self, account: int, answers: Mapping[str, Any], version: int) -> None:
        document = storable(json.dumps(answers, ensure_ascii=False))
        self._run(sql.SET_ANSWERS, account=account, answers=document, version=version)

    def set_consent(self, account: int, text: str, version: int, now: datetime) -> None:
        self._run(sql.SET_CONSENT, account=account, text=text, version=version, at=stamp(now))

    def add_profile_change(
        self, account: int, what: str, detail: str, who: str, now: datetime
    ) -> None:
        values = {"what": what, "detail": storable(detail), "who": storable(who), "at": stamp(now)}
        self._run(sql.ADD_PROFILE_CHANGE, account=account, **values)

    def portal_history(self, account: int) -> list[HistoryEntry]:
        """Log-ins, data confirmed and changed, disclosures; in no order."""
        log_ins = [
            Noted(at, "log-in", f"{how} from {address}" if address else how)
            for at, how, address in self.log_ins(account, _STORY)
        ]
        changes = [
            Noted(unstamp(at), what, detail, who)
            for at, what, detail, who in self._all(sql.PROFILE_CHANGES, account=account)
        ]
        told = [
            Noted(each.at, "disclosed", f"{each.client}: {each.scopes}")
            for each in self.disclosures(account)
        ]
        return [*log_ins, *changes, *told]

    # --- log-ins and disclosures --------------------------------------------------------------

    def log_ins(self, account: int, limit: int) -> list[LogIn]:
        """Good log-ins, the latest first."""
        rows = self._all(sql.LOG_INS, account=account, limit=limit)
        return [LogIn(unstamp(at), how, address) for at, how, address in rows]

    def add_log_in(self, account: int, how: str, address: str, now: datetime) -> None:
        self._run(
            sql.ADD_LOG_IN, account=account, at=stamp(now), how=how, address=storable(address)
        )

    def undisclosed(
        self, accounts: Iterable[int], client: str, scopes: str, now: datetime
    ) -> list[int]:
        values = {"client": client, "scopes": scopes, "day": stamp(now) // _DAY}
        rows = self._all(sql.UNTOLD, accounts=self._ids(accounts), **values)
        return [account for (account,) in rows]

    def add_disclosures(
        self, accounts: Iterable[int], client: str, scopes: str, now: datetime
    ) -> None:
        at = stamp(now)
        rows = [(account, at // _DAY, client, scopes, at) for account in accounts]
        self._many(sql.ADD_DISCLOSURE, rows)

    def disclosures(self, account: int) -> list[Disclosure]:
        rows = self._all(sql.DISCLOSURES, account=account)
        return [Disclosure(unstamp(at), client, scopes) for at, client, scopes in rows]

    # --- shut names ---------------------------------------------------------------------------

    def shut_name(self, username: str, account: int | None, mark: str, now: datetime) -> None:
        self._run(sql.SHUT, username=storable(username), account=account, mark=mark, at=stamp(now))

    def shut_of(self, username: str) -> Shut | None:
        row = self._one(sql.FIND_SHUT, username=storable(username))
        return None if row is None else Shut(row[0], unstamp(row[1]))

    def purge_shut_names(self, before: datetime, limit: int) -> int:
        return self._count(sql.PURGE_SHUT_NAMES, before=stamp(before), limit=limit)

    # --- the feed -----------------------------------------------------------------------------

    def tell(self, account: int, what: Feed, now: datetime) -> None:
        self._tell([], [(what.value, stamp(now), account)])

    def feed(self, after: int, limit: int) -> list[FeedRow]:
        rows = self._all(sql.FEED, after=after, limit=limit)
        return [FeedRow(id_, unstamp(at), sub, Feed(kind)) for id_, at, sub, kind in rows]

    def feed_bounds(self) -> tuple[int, int]:
        """Up to which line it was purged, and the last line that there ever was."""
        purged, last = self._one(sql.FEED_BOUNDS)
        return purged, last

    # --- retention ----------------------------------------------------------------------------

    def purge_log_ins(self, before: datetime, limit: int) -> int:
        return self._count(sql.PURGE_LOG_INS, before=stamp(before), limit=limit)

    def purge_feed(self, before: datetime, limit: int) -> int:
        _, last = self.feed_bounds()
        gone = self._count(sql.PURGE_FEED, before=stamp(before), limit=limit, end=last + 1)
        if gone:
            self._run(sql.MOVE_FEED_START, last=last)
        return gone

    def closed_before(self, before: datetime, limit: int) -> list[int]:
        rows = self._all(sql.CLOSED_BEFORE, before=stamp(before), limit=limit)
        return [account for (account,) in rows]

    def erase_citizens(self, accounts: Iterable[int], now: datetime) -> None:
        ids = self._ids(accounts)
        known = [account for (account,) in self._all(sql.SUBJECTS_OF, ids=ids)]
        self._tell([], [(Feed.ERASED.value, stamp(now), account) for account in known])
        self._run(sql.ERASE_SUBJECTS, ids=ids, at=stamp(now))
        for statement in (
            sql.ERASE_SHUT_NAMES,
            sql.ERASE_RENEWED,
            sql.ERASE_PROFILES,
            sql.ERASE_PROFILE_CHANGES,
            sql.ERASE_LOG_INS,
            sql.ERASE_DISCLOSURES,
        ):
            self._run(statement, ids=ids)


def _citizen(row: Any) -> CitizenRow | None:
    if row is None:
        return None
    digest, mark, sub, number, updated, answers, *consent = row[_ACCOUNT_COLUMNS:]
    profile = None
    if answers is not None:
        version, at, text, confirmed = consent
        profile = ProfileRow(json.loads(answers), version, moment(at), text, confirmed)
    renewed = None if digest is None else (digest, mark)
    return CitizenRow(account_row(row), renewed, sub, number, moment(updated), profile)
