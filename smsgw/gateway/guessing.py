"""Whether a password opens an account, for somebody who might be guessing.

Each try is counted before it is looked at, so that many at a time are no more than the same in a
row; nothing is locked while the hash is made. The count belongs to the password that was guessed
at: a new one begins at 0, whoever made it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from smsgw import passwords
from smsgw.gateway.tools import Tools
from smsgw.registration import own_password
from smsgw.store import AccountRow, Guesses

_COMMAND = "accounts verify-password"


class Verdict(Enum):
    """What became of a password that was to be verified."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"  #: too many wrong ones came before it


class Verified(NamedTuple):
    username: str
    verdict: Verdict
    wait: timedelta  #: until the next one is looked at


def check(
    tools: Tools, find: Callable[[], AccountRow], password: str, actor: str, now: datetime
) -> Verified:
    """Look at *password*, unless there were too many wrong ones before it.

    Args:
        find: gives the account, inside the transaction.
    """
    store = tools.store
    with store.transaction():
        row = find()
        username = row.account.username
        before = _guesses(tools, row, now)
        wait = before.at + own_password.wait_after(before.wrong) - now
        if wait > timedelta(0):
            tools.audit(actor, _COMMAND, row.account, Verdict.NOT_CHECKED.value, now)
            return Verified(username, Verdict.NOT_CHECKED, wait)
        counted = before._replace(wrong=before.wrong + 1, at=now)
        store.set_guesses(row.account.id, counted)
        note = tools.audit(actor, _COMMAND, row.account, "not finished", now)
    right = opens(row, password)
    verdict = Verdict.RIGHT if right else Verdict.WRONG
    with store.transaction():
        if right and _guesses(tools, row, now).wrong:
            store.forget_guesses(row.account.id)
        store.amend_note(note, verdict.value)
    wait = timedelta(0) if right else own_password.wait_after(counted.wrong)
    return Verified(username, verdict, wait)


def opens(row: AccountRow, typed: str) -> bool:
    """Whether *typed* is the account's password."""
    return passwords.verify(row.password_hash, own_password.read(typed, row.account.state))


def _guesses(tools: Tools, row: AccountRow, now: datetime) -> Guesses:
    """What was guessed at the password that *row* has."""
    password = blake2b((row.password_hash or "").encode(), digest_size=8).hexdigest()
    found = tools.store.guesses(row.account.id)
    if found is None or found.password != password:
        return Guesses(password, 0, now)
    # A clock that was ahead made nobody wait for longer than the rule says.
    return found._replace(at=min(found.at, now))
