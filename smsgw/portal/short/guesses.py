"""Reserved tries as the short-lived file keeps them; each verb runs inside a transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

from smsgw.clock import stamp
from smsgw.portal import throttle
from smsgw.portal.short import sql
from smsgw.portal.short.rows import Denied, Guess, Ticket, Totals, Why

#: Names that nobody has, and addresses, of which something is remembered; the least telling go.
MOST_OF_NOBODY = 100_000
MOST_ADDRESSES = 50_000
#: Looked at after so many new tries.
_TRIM_EACH = 2_000

_MICROSECOND = timedelta(microseconds=1)
_FOR_EVER = 1 << 60  # µs

Run = Callable[..., list[Any]]


class _Address(NamedTuple):
    began: int
    failures: int
    names: int
    pending: int
    blocked_until: int


class Guesses:
    """
    Args:
        run: does one statement and gives its rows.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._since_trim = 0

    def reserve(self, guess: Guess, now: datetime) -> Ticket | Denied:
        known = self._is_known(guess, now)
        if known:
            ticket = Ticket(guess, _of_browser(guess), True)
            denied = self._reserve_name(ticket, throttle.KNOWN, now)
            if denied is None or denied.why is not Why.SHUT:
                return denied or ticket
        # A stranger, or a browser that has guessed so often that it is one.
        ticket = Ticket(guess, guess.name, False)
        if denied := self._address_denies(guess, now):
            return denied
        if guess.shut:
            return Denied(Why.SHUT, throttle.SHUT_WAIT)
        if denied := self._reserve_name(ticket, throttle.STRANGERS, now):
            return denied
        self._reserve_address(guess, now)
        self._trim(now)
        return ticket

    def judged_wrong(self, ticket: Ticket, now: datetime) -> bool:
        """Count it; whether the name is shut to strangers by this one."""
        guess, rule = ticket.guess, _rule(ticket)
        self._run(sql.COUNT_TOTAL, name=guess.name, account=guess.account)
        found = self._run(sql.COUNT_WRONG, bucket=ticket.bucket, mark=guess.mark, now=stamp(now))
        wrong = found[0][0] if found else 0  # none: the secret is a new one by now
        self._set_wait(ticket.bucket, guess.mark, wrong, rule)
        if not ticket.known:
            self._settle_address(guess, now, failed=True)
        return not ticket.known and wrong == rule.end

    def judged_right(self, ticket: Ticket, *, log_in: bool) -> Totals:
        guess = ticket.guess
        self._run(sql.BEGIN_AGAIN, bucket=ticket.bucket, mark=guess.mark, free=_rule(ticket).free)
        if not ticket.known:
            self._settle_address(guess, None, failed=False)
        totals = self.totals(guess.name)
        if log_in:
            self._run(sql.SET_LOG_IN, name=guess.name, account=guess.account)
        return totals

    def give_back(self, ticket: Ticket) -> None:
        self._run(sql.GIVE_BACK, bucket=ticket.bucket, mark=ticket.guess.mark)
        if not ticket.known:
            self._settle_address(ticket.guess, None, failed=False)

    def totals(self, name: bytes) -> Totals:
        found = self._run(sql.FIND_TOTAL, name=name)
        return Totals(*found[0]) if found else Totals(0, 0)

    def settle_unjudged(self) -> None:
        """Tries whose process died before their verdict count as wrong."""
        for bucket, mark, pending in self._run(sql.UNJUDGED):
            for _ in range(pending):
                [[wrong]] = self._run(sql.COUNT_WRONG, bucket=bucket, mark=mark, now=0)
            # Which rule is his does not stand there: the longer wait, of a moment long ago.
            self._set_wait(bucket, mark, wrong, throttle.STRANGERS)
        self._run(sql.FREE_ADDRESSES)

    def forget(self, now: datetime) -> None:
        before = stamp(now - throttle.SHUT_NOBODY)
        self._run(sql.FORGET_TRIES, before=before)
        self._run(sql.FORGET_TRIES_OF_NOBODY, most=MOST_OF_NOBODY)
        self._run(sql.FORGET_TOTALS, most=MOST_OF_NOBODY)
        gone = self._run(
            sql.FORGET_ADDRESSES,
            now=stamp(now),
            before=stamp(now - throttle.WINDOW),
            most=MOST_ADDRESSES,
        )
        for (net,) in gone:
            self._run(sql.FORGET_NAMES, net=net)

    # --- of a name ------------------------------------------------------------------------------

    def _is_known(self, guess: Guess, now: datetime) -> bool:
        if guess.browser is None or guess.account is None:
            return False
        found = self._run(sql.FIND_DEVICE, browser=guess.browser, account=guess.account)
        return bool(found) and found[0][0] > stamp(now - throttle.KNOWN_FOR)

    def _reserve_name(self, ticket: Ticket, rule: throttle.Bucket, now: datetime) -> Denied | None:
        guess = ticket.guess
        shut = _FOR_EVER if guess.account is not None else throttle.SHUT_NOBODY // _MICROSECOND
        if self._run(
            sql.RESERVE,
            bucket=ticket.bucket,
            account=guess.account,
            mark=guess.mark,
            now=stamp(now),
            free=rule.free,
            end=rule.end,
            shut=shut,
        ):
            return None
        [(_, wrong, _, _, wait, at)] = self._run(sql.LOOK, bucket=ticket.bucket)
        if wrong >= rule.end:
            return Denied(Why.SHUT, throttle.SHUT_WAIT)
        left = at + wait - stamp(now)
        if left > 0 and stamp(now) >= at:
            return Denied(Why.WAIT, timedelta(microseconds=left))
        return Denied(Why.WAIT, throttle.CROWDED_WAIT)

    def _set_wait(self, bucket: bytes, mark: str, wrong: int, rule: throttle.Bucket) -> None:
        self._run(
            sql.SET_WAIT,
            bucket=bucket,
            mark=mark,
            room=throttle.room(wrong, rule),
            wait=throttle.wait_after(wrong, rule) // _MICROSECOND,
        )

    def _trim(self, now: datetime) -> None:
        self._since_trim += 1
        if self._since_trim >= _TRIM_EACH:
            self._since_trim = 0
            self.forget(now)

    # --- of an address --------------------------------------------------------------------------

    def _address(self, guess: Guess, now: int) -> _Address:
        """What is counted of an address in the window of now."""
        found = self._run(sql.FIND_ADDRESS, net=guess.net)
        fresh = _Address(now, 0, 0, 0, 0)
        if not found:
            return fresh
        row = _Address(*found[0])
        window = throttle.WINDOW // _MICROSECOND
        blocked = now < row.blocked_until <= now + throttle.BLOCKED // _MICROSECOND
        if blocked or (not row.blocked_until and row.began <= now < row.began + window):
            return row
        self._run(sql.FORGET_NAMES, net=guess.net)
        return fresh._replace(pending=row.pending)

    def _address_denies(self, guess: Guess, now: datetime) -> Denied | None:
        if not guess.net:
            return None
        row, moment = self._address(guess, stamp(now)), stamp(now)
        if row.blocked_until > moment:
            return Denied(Why.NETWORK, timedelta(microseconds=row.blocked_until - moment))
        times = throttle.SHARED if guess.shared else 1
        crowded = row.failures + row.pending >= throttle.FAILURES * times
        if row.names + row.pending >= throttle.NAMES * times:
            crowded = crowded or not self._run(sql.HAS_NAME, net=guess.net, name=guess.name)
        return Denied(Why.CROWDED, throttle.CROWDED_WAIT) if crowded else None

    def _reserve_address(self, guess: Guess, now: datetime) -> None:
        if guess.net:
            row = self._address(guess, stamp(now))
            self._keep(guess, row._replace(pending=row.pending + 1))

    def _settle_address(self, guess: Guess, now: datetime | None, *, failed: bool) -> None:
        if not guess.net:
            return
        if not failed or now is None:
            found = self._run(sql.FIND_ADDRESS, net=guess.net)
            if found:
                row = _Address(*found[0])
                self._keep(guess, row._replace(pending=max(row.pending - 1, 0)))
            return
        row = self._address(guess, stamp(now))
        names = row.names
        if not self._run(sql.HAS_NAME, net=guess.net, name=guess.name):
            self._run(sql.ADD_NAME, net=guess.net, name=guess.name)
            names += 1
        row = row._replace(failures=row.failures + 1, names=names, pending=max(row.pending - 1, 0))
        times = throttle.SHARED if guess.shared else 1
        if row.failures >= throttle.FAILURES * times or names >= throttle.NAMES * times:
            row = row._replace(blocked_until=stamp(now + throttle.BLOCKED))
        self._keep(guess, row)

    def _keep(self, guess: Guess, row: _Address) -> None:
        self._run(sql.SET_ADDRESS, net=guess.net, **row._asdict())


def _rule(ticket: Ticket) -> throttle.Bucket:
    return throttle.KNOWN if ticket.known else throttle.STRANGERS


def _of_browser(guess: Guess) -> bytes:
    return blake2b(guess.name + (guess.browser or b""), digest_size=16).digest()
