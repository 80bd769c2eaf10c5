"""Reserved tries as they are kept; each verb but `forget` runs inside a transaction.

Several portals may share the rows. Whoever has to look before it writes holds the row from the
look to the end of its transaction, and all take rows in one order, so that nobody waits for
somebody who waits: address, total of the name, tries, names of the address.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from smsgw.clock import stamp
from smsgw.portal import throttle
from smsgw.portal.short import sql
from smsgw.portal.short.engine import Engine
from smsgw.portal.short.rows import Denied, Guess, Ticket, Totals, Why

#: Names that nobody has, and addresses, of which something is remembered; the least telling go.
MOST_OF_NOBODY = 100_000
MOST_ADDRESSES = 50_000
#: Looked at after so many new tries.
_TRIM_EACH = 2_000

_KEY_OCTETS = 16
_MICROSECOND = timedelta(microseconds=1)
_FOR_EVER = 1 << 60  # µs
_AHEAD = throttle.AHEAD // _MICROSECOND


class _Address(NamedTuple):
    began: int
    failures: int
    names: int
    pending: int
    blocked_until: int


class Guesses:
    """
    Attributes:
        crowded: so many tries came that it is time to forget some.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._run = engine.run
        self._since_trim = 0

    def reserve(self, guess: Guess, now: datetime) -> Ticket | Denied:
        key = secrets.token_bytes(_KEY_OCTETS)
        known = self._is_known(guess, now)
        if known:
            ticket = Ticket(guess, _of_browser(guess), True, key)
            denied = self._reserve_name(ticket, throttle.KNOWN, now)
            if denied is None or denied.why is not Why.SHUT:
                return denied or self._written(ticket)
        # A stranger, or a browser that has guessed so often that it is one.
        ticket = Ticket(guess, guess.name, False, key)
        if denied := self._address_denies(guess, now):
            return denied
        if guess.shut:
            return Denied(Why.SHUT, throttle.SHUT_WAIT)
        if denied := self._reserve_name(ticket, throttle.STRANGERS, now):
            return denied
        self._reserve_address(guess, now)
        self._since_trim += 1
        return self._written(ticket)

    def judged_wrong(self, ticket: Ticket, now: datetime) -> bool:
        """Count it; whether the name is shut to strangers by this one."""
        if not self._takes(ticket):
            return False
        guess, rule = ticket.guess, _rule(ticket)
        address = None if ticket.known or not guess.net else self._address(guess, stamp(now))
        self._run(sql.COUNT_TOTAL, name=guess.name, account=guess.account)
        found = self._run(sql.COUNT_WRONG, bucket=ticket.bucket, mark=guess.mark, now=stamp(now))
        wrong = found[0][0] if found else 0  # none: the secret is a new one by now
        self._set_wait(ticket.bucket, guess.mark, wrong, rule)
        if address is not None:
            self._count_failure(guess, address, now)
        return not ticket.known and wrong == rule.end

    def judged_right(self, ticket: Ticket, now: datetime, *, log_in: bool) -> Totals:
        guess, taken = ticket.guess, self._takes(ticket)
        if taken:
            self._free_address(ticket, now)
        totals = self.totals(guess.name)
        if log_in:
            self._run(sql.SET_LOG_IN, name=guess.name, account=guess.account)
        self._run(
            sql.BEGIN_AGAIN,
            bucket=ticket.bucket,
            mark=guess.mark,
            free=_rule(ticket).free,
            taken=int(taken),
        )
        return totals

    def give_back(self, ticket: Ticket, now: datetime) -> None:
        if self._takes(ticket):
            self._free_address(ticket, now)
            self._run(sql.GIVE_BACK, bucket=ticket.bucket, mark=ticket.guess.mark)

    def totals(self, name: bytes) -> Totals:
        found = self._run(sql.FIND_TOTAL, name=name)
        return Totals(*found[0]) if found else Totals(0, 0)

    def settle_unjudged(self) -> None:
        """Tries whose process died before their verdict count as wrong."""
        dead = self._run(sql.UNJUDGED, portal=self._engine.portal)
        for net in sorted(net for _, _, net, _ in dead if net):
            self._run(sql.COUNT_UNJUDGED, net=net)
        for bucket, mark, _, known in sorted(dead):
            # The wait is over, as if it had been long ago: it was no fault of who tried.
            found = self._run(sql.COUNT_WRONG, bucket=bucket, mark=mark, now=0)
            if found:
                rule = throttle.KNOWN if known else throttle.STRANGERS
                self._set_wait(bucket, mark, found[0][0], rule)

    @property
    def crowded(self) -> bool:
        return self._since_trim >= _TRIM_EACH

    def forget(self, now: datetime) -> None:
        """One after the other: together they would hold too many rows."""
        self._since_trim = 0
        alone = self._engine.alone
        alone(sql.FORGET_TRIES, before=stamp(now - throttle.SHUT_NOBODY))
        alone(sql.FORGET_TRIES_OF_NOBODY, most=MOST_OF_NOBODY)
        alone(sql.FORGET_TOTALS, most=MOST_OF_NOBODY)
        with self._engine.transaction():
            gone = self._run(
                sql.FORGET_ADDRESSES,
                now=stamp(now),
                before=stamp(now - throttle.WINDOW),
                most=MOST_ADDRESSES,
            )
            for (net,) in gone:
                self._run(sql.FORGET_NAMES, net=net)

    # --- of a ticket ----------------------------------------------------------------------------

    def _written(self, ticket: Ticket) -> Ticket:
        guess = ticket.guess
        self._run(
            sql.ADD_TICKET,
            key=ticket.key,
            portal=self._engine.portal,
            bucket=ticket.bucket,
            account=guess.account,
            mark=guess.mark,
            net="" if ticket.known else guess.net,
            known=int(ticket.known),
        )
        return ticket

    def _takes(self, ticket: Ticket) -> bool:
        """Whether it had no verdict yet. Of who is told twice, because the first may not have been
        heard, or was thought dead meanwhile, the first counts."""
        return bool(self._run(sql.TAKE_TICKET, key=ticket.key))

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
            ahead=_AHEAD,
        ):
            return None
        found = self._run(sql.LOOK, bucket=ticket.bucket)
        if not found:  # forgotten at this moment
            return Denied(Why.WAIT, throttle.CROWDED_WAIT)
        [(wrong, wait, at)] = found
        if wrong >= rule.end:
            return Denied(Why.SHUT, throttle.SHUT_WAIT)
        left = at + wait - stamp(now)
        if wait and left > 0 and stamp(now) >= at - _AHEAD:
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

    # --- of an address --------------------------------------------------------------------------

    def _address(self, guess: Guess, now: int) -> _Address:
        """What is counted of an address in the window of now."""
        found = self._run(sql.FIND_ADDRESS, net=guess.net, now=now)
        fresh = _Address(now, 0, 0, 0, 0)
        if not found:
            return fresh
        row = _Address(*found[0])
        window = throttle.WINDOW // _MICROSECOND
        blocked = now < row.blocked_until <= now + throttle.BLOCKED // _MICROSECOND + _AHEAD
        counts = row.began - _AHEAD <= now < row.began + window
        if blocked or (not row.blocked_until and counts):
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

    def _free_address(self, ticket: Ticket, now: datetime) -> None:
        """The place that a try has taken at its address."""
        guess = ticket.guess
        if not ticket.known and guess.net:
            found = self._run(sql.FIND_ADDRESS, net=guess.net, now=stamp(now))
            if found:
                row = _Address(*found[0])
                self._keep(guess, row._replace(pending=max(row.pending - 1, 0)))

    def _count_failure(self, guess: Guess, row: _Address, now: datetime) -> None:
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
