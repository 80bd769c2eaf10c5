"""Rows on their way into the store: each function gives one, in the order of its INSERT's columns.

A row is a plain tuple of plain str, int and bytearray: sqlite3 reads these at once, and asks its
adapters what to do with anything else (an enum member, bool, bytes, None), which takes longer than
storing it. Rows that are rare may have None.
"""

from dataclasses import dataclass, field
from typing import Any

Row = tuple[Any, ...]

#: Of a fingerprint, what is left beside the quarter of an hour; it fits 63 bits until 2089.
FINGERPRINT_BITS = 41
FINGERPRINT_MASK = (1 << FINGERPRINT_BITS) - 1
_QUARTER = 900_000_000  # microseconds


def quarter(at: int) -> int:
    """The lowest fingerprint of a text that came in the quarter of an hour of *at*."""
    return at // _QUARTER << FINGERPRINT_BITS


def subscriber(id_: int, phone: str) -> Row:
    return (id_, phone)


def mo(
    id_: int,
    created_at: int,
    subscriber_id: int,
    link: str,
    session: int,
    fingerprint: int,
    outcome: str,
    text: str | None,
) -> Row:
    """The row of an MO.

    Args:
        fingerprint: of the octets and the carrier; 0: none is kept.
    """
    fingerprint = created_at // _QUARTER << FINGERPRINT_BITS | fingerprint & FINGERPRINT_MASK
    return (id_, created_at, subscriber_id, link, session, fingerprint, outcome, text)


def mt(
    id_: int,
    created_at: int,
    subscriber_id: int,
    link: str,
    wording_id: int,
    mo_id: int | None,
    account_id: int | None,
    reminder: int,
    due_at: int,
    leased: int,
    address: str,
    ton: int,
    npi: int,
    sealed: bytearray | None,
) -> Row:
    """The row of an MT in the outbox."""
    return (
        id_,
        created_at,
        subscriber_id,
        link,
        wording_id,
        mo_id,
        account_id,
        reminder,
        due_at,
        leased,
        leased,  # tries: one that leaves at once is on its first
        address,
        ton,
        npi,
        sealed,
    )


def account(
    id_: int,
    subscriber_id: int,
    cmnd: str,
    full_name: str,
    birth_date: str,
    state: str,
    link: str,
    address: str,
    ton: int,
    npi: int,
    password_hash: str,
    password_mt_id: int,
    registered_at: int,
    password_expires_at: int,
) -> Row:
    return (
        id_,
        subscriber_id,
        cmnd,
        full_name,
        birth_date,
        state,
        link,
        address,
        ton,
        npi,
        password_hash,
        password_mt_id,
        registered_at,
        registered_at,  # password_issued_at
        password_expires_at,
    )


def history(
    account_id: int,
    at: int,
    event: str,
    old_state: str,
    new_state: str,
    actor: str | None,
    reason: str | None,
) -> Row:
    return (account_id, account_id, at, event, old_state, new_state, actor, reason)


def password(
    account_id: int, state: str, hash_: str, mt_id: int, at: int, expires_at: int, reminders: int
) -> Row:
    """A new issued password of an account that exists."""
    return (state, hash_, mt_id, at, expires_at, reminders, account_id)


@dataclass(slots=True)
class Changes:
    """All that one transaction adds; written in bulk, one statement a table."""

    subscribers: list[Row] = field(default_factory=list)
    mos: list[Row] = field(default_factory=list)
    ignored: list[Row] = field(default_factory=list)  #: (MO, reason)
    surplus: list[Row] = field(default_factory=list)  #: (hour, subscriber, number, last at)
    mts: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    passwords: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
