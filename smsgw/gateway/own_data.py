"""All that is kept of one citizen, as plain values of JSON."""

from typing import Any

from smsgw import records
from smsgw.gateway.citizen import citizen_of
from smsgw.happenings import Changed, HistoryEntry, Noted
from smsgw.store import Store

#: More than any citizen has.
_MOST = 10_000
_LOG_IN = ("at", "how", "address")
_DISCLOSURE = ("at", "client", "scopes")


def all_of(store: Store, account: int) -> dict[str, Any]:
    """For the citizen who asks. Who of the hotline did something is theirs, and not told."""
    row = store.account(account).account
    texts = store.messages(phone=row.phone, since=row.registered_at, limit=_MOST)
    story = [*store.account_history(account), *store.portal_history(account)]
    return {
        "account": records.record(row, records.ACCOUNT),
        **of_portal(store, account),
        "history": [_happened(entry) for entry in sorted(story, key=lambda entry: entry.at)],
        "messages": [records.record(text, records.MESSAGE) for text in texts],
    }


def of_portal(store: Store, account: int) -> dict[str, Any]:
    """What the portal has added to what was texted; empty lists where it has added nothing."""
    row = store.citizen(account)
    citizen = None if row is None else citizen_of(row)
    return {
        "sub": citizen and citizen.sub,
        "profile": None if citizen is None else citizen.answers.to_json(),
        "consent": citizen and records.plain(citizen.consent),
        "log_ins": [records.record(each, _LOG_IN) for each in store.log_ins(account, _MOST)],
        "disclosures": [records.record(each, _DISCLOSURE) for each in store.disclosures(account)],
    }


def _happened(entry: HistoryEntry) -> dict[str, object]:
    told: dict[str, object] = {"at": records.plain(entry.at)}
    if isinstance(entry, Changed):
        return told | {"what": entry.event, "detail": entry.new.value, "reason": entry.reason}
    assert isinstance(entry, Noted)  # noqa: S101 - texts are listed by themselves
    return told | {"what": entry.what, "detail": entry.detail, "reason": None}
