"""Rows on their way into the store, in the order of the columns of their INSERT.

Plain str and int where a row is made for each message: sqlite3 asks its adapters what to do with
an enum member or a bool, which takes longer than to store it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class NewSubscriber(NamedTuple):
    id: int
    phone: str


class NewMo(NamedTuple):
    id: int
    created_at: int
    subscriber_id: int
    link: str
    session: int
    fingerprint: int
    outcome: str
    text: str | None


class NewMt(NamedTuple):
    id: int
    created_at: int
    subscriber_id: int
    link: str
    wording_id: int
    mo_id: int | None
    account_id: int | None


class NewReply(NamedTuple):
    """An MT's row in the outbox."""

    id: int
    link: str
    reminder: int
    due_at: int
    tries: int
    address: str
    ton: int
    npi: int
    sealed: bytes | None


class NewAccount(NamedTuple):
    id: int
    subscriber_id: int
    cmnd: str
    full_name: str
    birth_date: str
    state: str
    link: str
    address: str
    ton: int
    npi: int
    password_hash: str
    password_mt_id: int
    registered_at: int
    password_issued_at: int
    password_expires_at: int


class NewHistory(NamedTuple):
    account_id: int
    at: int
    event: str
    old_state: str | None
    new_state: str
    actor: str | None
    reason: str | None


class IssuedPassword(NamedTuple):
    """A new issued password of an account that exists."""

    state: str
    password_hash: str
    password_mt_id: int
    password_issued_at: int
    password_expires_at: int
    reminders: int
    account_id: int


@dataclass(slots=True)
class Changes:
    """All that one transaction adds; written in bulk, one statement a table."""

    subscribers: list[NewSubscriber] = field(default_factory=list)
    mos: list[NewMo] = field(default_factory=list)
    mts: list[NewMt] = field(default_factory=list)
    replies: list[NewReply] = field(default_factory=list)
    accounts: list[NewAccount] = field(default_factory=list)
    passwords: list[IssuedPassword] = field(default_factory=list)
    history: list[NewHistory] = field(default_factory=list)
