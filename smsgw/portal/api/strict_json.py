"""JSON as a program must send it: one document in UTF-8, no name twice, and nothing that only
Python takes for JSON. Pure.

Source: RFC 8259; the names: RFC 7493, section 2.3.
"""

import json
from typing import Any

#: Longer digits cost time to become a number, and no field of ours is one.
_MOST_DIGITS = 18


class NoJson(ValueError):
    """It is no such document."""


def read(body: bytes) -> object:
    """
    Raises:
        NoJson: *body* is none.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refused,
            parse_int=_number,
        )
    except (ValueError, RecursionError):
        # Without its cause: that shows what was sent.
        raise NoJson from None


def has_lone_surrogate(value: object) -> bool:
    """Whether a text of it, name or value, is none that could be written in UTF-8."""
    if isinstance(value, str):
        return any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return any(map(has_lone_surrogate, value)) or any(map(has_lone_surrogate, value.values()))
    return isinstance(value, list) and any(map(has_lone_surrogate, value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NoJson
    return found


def _refused(constant: str) -> object:
    raise NoJson


def _number(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
