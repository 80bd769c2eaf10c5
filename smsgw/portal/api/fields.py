"""What a call must hold: objects with the right fields, queries, versions. Pure.

A fault is told by a JSON pointer (RFC 6901), a reason and a sentence. The pointer to what is not
known ends at the object that holds it.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from smsgw.portal.addresses import Address
from smsgw.portal.api import strict_json
from smsgw.portal.api.problems import Problem
from smsgw.registration.fields import Reason
from smsgw.registration.merge_patch import PatchFault

MOST_ITEMS, USUAL_ITEMS = 1000, 100

_SENTENCES: Mapping[Reason, str] = {
    Reason.REQUIRED: "It is missing, or null where a value is needed.",
    Reason.NOT_THE_TEXTED_NAME: "Without diacritics it must be the name that was texted.",
    Reason.INCOMPLETE: "A part of it is missing.",
    Reason.NO_SUCH_DATE: "It is no day as YYYY-MM-DD.",
    Reason.IN_THE_FUTURE: "It is later than today.",
    Reason.NOT_AFTER_BIRTH: "It is not after the date of birth.",
    Reason.NOT_IN_PROVINCE: "It is no commune of that province.",
    Reason.NO_ADDRESS: "It is no address of that kind.",
    Reason.TOO_LONG: "It is too long.",
    Reason.CHARACTERS: "It has characters that cannot be kept.",
    Reason.WRONG_TYPE: "It is a value of another type.",
    Reason.UNKNOWN_FIELD: "It has a field that is not known here.",
    Reason.READ_ONLY: "It is not changed here.",
    Reason.UNKNOWN_CODE: "It is none of the values that there are.",
}
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIMIT = re.compile("[1-9][0-9]{0,3}")


class Fault(NamedTuple):
    pointer: str
    reason: Reason


def wrong_fields(faults: Iterable[Fault | PatchFault]) -> Problem:
    """422, with all that is wrong."""
    told: dict[Fault, None] = {}
    for fault in faults:
        pointer = fault.pointer
        if fault.reason is Reason.UNKNOWN_FIELD:
            pointer = pointer.rpartition("/")[0]
        told[Fault(pointer, fault.reason)] = None
    errors = [
        {"pointer": pointer, "reason": reason.value, "detail": _SENTENCES[reason]}
        for pointer, reason in told
    ]
    return Problem("wrong-fields", errors=errors)


def document(body: bytes) -> object:
    """
    Raises:
        Problem: it is no JSON, or holds what is no text.
    """
    try:
        found = strict_json.read(body)
    except strict_json.NoJson:
        raise Problem("malformed-json") from None
    if strict_json.has_lone_surrogate(found):
        raise wrong_fields([Fault("", Reason.CHARACTERS)])
    return found


def texts(found: object, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, str]:
    """An object whose values are texts.

    Raises:
        Problem: it is none, or has other fields.
    """
    if not isinstance(found, dict):
        raise wrong_fields([Fault("", Reason.WRONG_TYPE)])
    known = {*required, *optional}
    faults = [Fault(f"/{name}", Reason.REQUIRED) for name in required if name not in found]
    for name, value in found.items():
        if name not in known:
            faults.append(Fault("/", Reason.UNKNOWN_FIELD))
        elif not isinstance(value, str):
            faults.append(Fault(f"/{name}", Reason.WRONG_TYPE))
    if faults:
        raise wrong_fields(faults)
    return found


def profile_patch(found: object) -> object:
    """The value of "profile" in an object that has nothing else.

    Raises:
        Problem: it is none such.
    """
    if not isinstance(found, dict):
        raise wrong_fields([Fault("", Reason.WRONG_TYPE)])
    faults = [Fault("/", Reason.UNKNOWN_FIELD) for name in found if name != "profile"]
    if "profile" not in found:
        faults.append(Fault("/profile", Reason.REQUIRED))
    if faults:
        raise wrong_fields(faults)
    return found["profile"]


def address(text: str | None) -> Address | None:
    """From where a citizen asks, as the caller says.

    Raises:
        Problem: it is no IP address.
    """
    if text is None:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        raise wrong_fields([Fault("/address", Reason.NO_ADDRESS)]) from None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return found.ipv4_mapped
        if found.scope_id:
            raise wrong_fields([Fault("/address", Reason.NO_ADDRESS)])
    return found


class Place(NamedTuple):
    """Where in a list to go on, and for how much."""

    after: str | None
    limit: int


def place(query: Iterable[tuple[str, str]]) -> Place:
    """
    Raises:
        Problem: a parameter is not known, given twice, or out of range.
    """
    pairs = list(query)
    found = dict(pairs)
    if len(found) < len(pairs) or not found.keys() <= {"after", "limit"}:
        raise Problem("wrong-parameters")
    limit = found.get("limit", str(USUAL_ITEMS))
    if not _LIMIT.fullmatch(limit) or int(limit) > MOST_ITEMS:
        raise Problem("wrong-parameters")
    return Place(found.get("after"), int(limit))


def versions(if_match: str) -> list[str]:
    """What stands in If-Match: entity tags, or "*". A weak one never matches (RFC 9110, 13.1.1)."""
    if if_match.strip() == "*":
        return ["*"]
    return [tag for weak, tag in _TAG.findall(if_match) if not weak]
