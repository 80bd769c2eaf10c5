"""Whether a password opens an account, for somebody who might be guessing.

The order is the promise: a place among the hashers, the account, a reserved try; only then a hash.
Names that nobody has take the same way. A failure writes nothing into the database, but for the
one that shuts a name.
"""

import asyncio
import logging
import unicodedata
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from smsgw import clock, passwords
from smsgw.errors import SecretReplaced
from smsgw.gateway import Proof
from smsgw.model import AccountState
from smsgw.portal import addresses
from smsgw.portal.hashing import Full
from smsgw.portal.portal import Portal
from smsgw.portal.short import Denied, Guess, Ticket, Totals, Why
from smsgw.registration import own_password

log = logging.getLogger("smsgw.portal")

#: So long a stranger waits for those of the same address who were there before.
CROWD_SECONDS = 5.0
#: And looks anew so often: of a verdict at another portal nobody tells.
LOOK_SECONDS = 1.0


class Verdict(Enum):
    """What became of a try."""

    RIGHT = "right"
    WRONG = "wrong"
    WAIT = "wait"
    SHUT = "shut"
    NETWORK = "network"
    BUSY = "busy"


class Tried(NamedTuple):
    verdict: Verdict
    wait: timedelta = timedelta(0)  #: where nothing was judged
    proof: Proof | None = None  #: of a right one
    totals: Totals = Totals(0, 0)  #: wrong ones of this name, before a right one


class Try(NamedTuple):
    """Who tries what."""

    username: str
    typed: str
    address: addresses.Address | None  #: None: nobody said
    browser: bytes | None  #: digest of its cookie


#: Does what a right password is for; SecretReplaced: it is none any more.
Then = Callable[[Proof], Awaitable[object]]

_REFUSALS = {
    Why.WAIT: Verdict.WAIT,
    Why.SHUT: Verdict.SHUT,
    Why.NETWORK: Verdict.NETWORK,
    Why.CROWDED: Verdict.NETWORK,
}


def read_username(typed: str) -> str:
    """A user name as it was meant: blanks and dots inside are no part of a number."""
    read = unicodedata.normalize("NFKC", typed)
    return "".join(char for char in read if not char.isspace() and char != ".")


def name_digest(username: str) -> bytes:
    """What the short-lived file keeps of a user name."""
    return blake2b(username.encode(), digest_size=16, person=b"smsgw tries").digest()


class Guessing:
    """All who try passwords, by page or by program."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._verdicts: dict[str, asyncio.Event] = {}

    async def judge(self, tried: Try, then: Then | None = None, *, log_in: bool = False) -> Tried:
        """Judge *tried*, unless there were too many before it.

        Args:
            then: called with a right one, before it counts as such.
            log_in: a right one is a log-in.

        Raises:
            Unavailable: a file is locked or gone; nothing is counted.
        """
        try:
            with self._portal.hashers.place():
                found = await self._judge(tried, then, log_in=log_in)
        except Full:
            found = Tried(Verdict.BUSY)
        self._portal.verdicts[found.verdict.value] += 1
        return found

    async def _judge(self, tried: Try, then: Then | None, *, log_in: bool) -> Tried:
        portal, now = self._portal, clock.now()
        proof = await portal.ask(portal.citizens.proof, tried.username, now)
        net = addresses.bucket(tried.address)
        guess = Guess(
            name=name_digest(tried.username),
            account=proof.account,
            mark=proof.mark,
            browser=tried.browser,
            net=net,
            shared=tried.address is not None
            and addresses.is_in(tried.address, portal.options.shared_networks),
            shut=proof.shut,
        )
        ticket = await self._reserve(guess)
        if isinstance(ticket, Denied):
            return Tried(_REFUSALS[ticket.why], ticket.wait)
        try:
            try:
                right = await self._is_right(proof, tried.typed)
                if right and then is not None:
                    right = await self._succeeds(then, proof)
            except BaseException:  # no verdict came
                await asyncio.shield(portal.shortly(portal.short.give_back, ticket, clock.now()))
                raise
            if not right:
                await asyncio.shield(self._count(tried, ticket, proof))
                return Tried(Verdict.WRONG)
            totals = await asyncio.shield(
                portal.shortly(portal.short.judged_right, ticket, clock.now(), log_in=log_in)
            )
        finally:
            self._tell(net)
        await self._renew(proof, tried.typed)
        return Tried(Verdict.RIGHT, proof=proof, totals=totals)

    async def _count(self, tried: Try, ticket: Ticket, proof: Proof) -> None:
        portal, now = self._portal, clock.now()
        shut = await portal.shortly(portal.short.judged_wrong, ticket, now)
        if shut and proof.account is not None:
            log.warning("name shut to strangers account=%d", proof.account)
            await portal.ask(portal.citizens.shut, tried.username, proof.mark, now)

    async def _is_right(self, proof: Proof, typed: str) -> bool:
        return await self._portal.hashers.verify(proof.hash, read(proof.state, typed))

    async def _succeeds(self, then: Then, proof: Proof) -> bool:
        try:
            await then(proof)
        except SecretReplaced:
            return False
        return True

    async def _renew(self, proof: Proof, typed: str) -> None:
        """Give an old hash the parameters of today."""
        if proof.account is None or proof.hash is None or not passwords.is_dated(proof.hash):
            return
        fresh = await self._portal.hashers.hash(read(proof.state, typed))
        await self._portal.ask(self._portal.citizens.renew_hash, proof.account, proof.hash, fresh)

    # --- strangers of one address ---------------------------------------------------------------

    async def _reserve(self, guess: Guess) -> Ticket | Denied:
        """A try, or why there is none; who is only behind others waits for their verdicts."""
        portal = self._portal
        loop = asyncio.get_running_loop()
        ends = loop.time() + CROWD_SECONDS
        while True:
            told = self._verdicts.setdefault(guess.net, asyncio.Event()) if guess.net else None
            found = await portal.shortly(portal.short.reserve, guess, clock.now())
            if told is None or not isinstance(found, Denied) or found.why is not Why.CROWDED:
                if not isinstance(found, Ticket):
                    self._tell(guess.net)
                return found
            if loop.time() >= ends:
                return found
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(ends, loop.time() + LOOK_SECONDS)):
                    await told.wait()

    def _tell(self, net: str) -> None:
        """A verdict came, or a place is free again: let the others of this address look anew."""
        if told := self._verdicts.pop(net, None):
            told.set()


def read(state: AccountState | None, typed: str) -> str:
    """A password as it is judged: an issued one forgivingly, an own one as it was typed."""
    if state is AccountState.ISSUED:
        return own_password.issued(typed)
    return own_password.own(typed)
