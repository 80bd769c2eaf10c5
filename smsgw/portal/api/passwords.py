"""`/password/verify` and `/password/change`, for a portal that cannot send its citizens to ours.

Wrong passwords are counted with those of the pages. Only who proved a password learns more of an
account than that it was wrong.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from time import monotonic
from typing import Any

from starlette.responses import JSONResponse, Response

from smsgw import clock
from smsgw.errors import SecretReplaced
from smsgw.gateway import Citizen, Proof, mark_of_hash
from smsgw.model import AccountState
from smsgw.portal.api import fields
from smsgw.portal.api.call import JSON, Call
from smsgw.portal.api.problems import Problem
from smsgw.portal.forms import MOST_CHARACTERS
from smsgw.portal.guessing import Then, Tried, Try, Verdict, read, read_username
from smsgw.portal.short import Promise
from smsgw.registration import own_password
from smsgw.registration.own_password import Reason

log = logging.getLogger("smsgw.portal")

_REFUSALS = {
    Verdict.WAIT: "name-waits",
    Verdict.SHUT: "name-shut",
    Verdict.NETWORK: "address-waits",
}
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


async def verify(call: Call) -> Response:
    """Whether a password opens an account. A right one is a log-in by way of that client."""
    body = fields.texts(await call.document(JSON), ("username", "password"), ("address",))
    tried = _try(body)
    entered: list[dict[str, Any]] = []

    async def enter(proof: Proof) -> None:
        entered.append(await call.portal.ask(_enter, call, proof, str(tried.address or "")))

    judged = await _judge(call, "verify", tried, enter, log_in=True)
    if judged.verdict is Verdict.WRONG:
        return JSONResponse({"valid": False})
    return JSONResponse({"valid": True, **entered[0]})


def _enter(call: Call, proof: Proof, address: str) -> dict[str, Any]:
    """In the thread of the database.

    Raises:
        SecretReplaced: the password is another one by now.
    """
    citizens, account = call.portal.citizens, proof.account
    assert account is not None  # noqa: S101 - it was right
    citizen = citizens.citizen(account, proof.mark)
    sub = citizens.sub(account, proof.mark, call.now)
    citizens.log_in(account, proof.mark, call.now, address=address, how=call.client)
    return {
        "must_change": citizen.must_change,
        "must_complete": citizen.must_complete,
        "sub": sub,
    }


async def change(call: Call) -> Response:
    """Put an own password in the place of the one that was proved.

    With an Idempotency-Key, who did not hear the answer may ask once more and hears it.
    """
    body = fields.texts(
        await call.document(JSON), ("username", "password", "new_password"), ("address",)
    )
    one = _Change(call, body)
    if one.key is None:
        await one.make()
    else:
        async with call.locks.setdefault(one.key, asyncio.Lock()):
            if not await one.was_made():
                await one.make()
    return JSONResponse({"state": AccountState.ACTIVE.value})


class _Change:
    """One change of a password."""

    def __init__(self, call: Call, body: dict[str, str]) -> None:
        """
        Raises:
            Problem: address or Idempotency-Key are none.
        """
        self._call = call
        self._tried = _try(body)
        self._new = own_password.own(body["new_password"][:MOST_CHARACTERS])
        self._reason: Reason | None = None
        self._moved = False
        self.key: bytes | None = None  #: what the file knows this request by
        self._body = b""
        typed = call.header("idempotency-key")
        if typed is None:
            return
        if not _KEY.fullmatch(typed):
            raise Problem("bad-idempotency-key")
        # The client's own key is in both: it is kept nowhere, so that who reads portal.db and
        # portal.key has nothing at which to guess the passwords of a body.
        known = (call.client.encode(), typed.encode())
        digest = call.portal.keys.digest
        self.key = digest("idempotency key", *known)
        sent = [part.encode() for pair in sorted(body.items()) for part in pair]
        self._body = digest("idempotency body", *known, *sent)

    async def was_made(self) -> bool:
        """Whether this very request changed the password before.

        Raises:
            Problem: another one did, with this key.
        """
        portal = self._call.portal
        found = await portal.shortly(portal.short.promise, self.key, self._call.now)
        if found is None:
            return False
        if not found.kept:  # something broke off between the two files
            proof = await portal.ask(portal.citizens.proof_of, found.account, self._call.now)
            if proof.mark != found.mark:
                return False
        if found.body != self._body:
            raise Problem("idempotency-key-reused")
        return True

    async def make(self) -> None:
        """
        Raises:
            Problem: it is not.
        """
        judged = await _judge(
            self._call, "change", self._tried, self._choose, refused=lambda: self._refused
        )
        if judged.verdict is Verdict.WRONG:
            raise Problem("wrong-password")
        if self._reason is not None:
            raise Problem("password-refused", reason=self._reason.value)
        if self._moved and not (self.key and await self.was_made()):  # at another portal, just now
            raise Problem("password-moved")

    @property
    def _refused(self) -> str | None:
        """Why a right password changed nothing."""
        return "moved" if self._moved else self._reason and self._reason.value

    async def _choose(self, proof: Proof) -> None:
        portal, account = self._call.portal, proof.account
        assert account is not None  # noqa: S101 - it was right
        try:
            citizen = await portal.ask(portal.citizens.citizen, account, proof.mark)
            self._reason = self._fault(proof, citizen)
            if self._reason is not None:
                return
            fresh = await portal.hashers.hash(self._new)
            if self.key is not None:
                row = Promise(self.key, self._body, account, mark_of_hash(fresh), clock.now())
                await portal.shortly(portal.short.make_promise, row)
            await portal.ask(
                portal.citizens.set_own_password,
                account,
                proof.mark,
                fresh,
                clock.now(),
                by=self._call.client,
            )
        except SecretReplaced:
            self._moved = True
            return
        if self.key is not None:
            await portal.shortly(portal.short.keep_promise, self.key)

    def _fault(self, proof: Proof, citizen: Citizen) -> Reason | None:
        least = self._call.portal.settings.registration.own_password_min
        same = read(proof.state, self._new) == read(proof.state, self._tried.typed)
        return own_password.fault(self._new, least, citizen.person, same_as_old=same)


def _try(body: dict[str, str]) -> Try:
    """
    Raises:
        Problem: the address is none.
    """
    username, password = (body[name][:MOST_CHARACTERS] for name in ("username", "password"))
    return Try(read_username(username), password, fields.address(body.get("address")), None)


async def _judge(
    call: Call,
    name: str,
    tried: Try,
    then: Then,
    *,
    log_in: bool = False,
    refused: Callable[[], str | None] = lambda: None,
) -> Tried:
    """A verdict, right or wrong.

    Args:
        refused: why *then* did nothing, for the log.

    Raises:
        Problem: there is none.
    """
    began = monotonic()
    judged = await call.guessing.judge(tried, then, log_in=log_in)
    took = (monotonic() - began) * 1000
    log.info(
        "interface call=%s client=%s outcome=%s ms=%d id=%s",
        *(name, call.client, refused() or judged.verdict.value, took, call.id),
    )
    if judged.verdict is Verdict.BUSY:
        raise Problem("busy")
    if refusal := _REFUSALS.get(judged.verdict):
        raise Problem(refusal, wait=judged.wait)
    return judged
