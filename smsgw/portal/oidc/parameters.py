"""What a client sends: parameters of a query or a form, none of them twice. Pure."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

#: More than any request of ours has.
MOST = 64


class Unreadable(Exception):
    """The parameters are none; its text says why, for the client's programmer."""


def read(raw: bytes) -> Mapping[str, str]:
    """The parameters of a query, or of a form's body; those without a value are not there.

    Source: RFC 6749, section 3.1.

    Raises:
        Unreadable: one stands there twice, or they are no text.
    """
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError:
        raise Unreadable("the parameters cannot be read") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a parameter is given twice")
    return {name: value for name, value in found.items() if value}
