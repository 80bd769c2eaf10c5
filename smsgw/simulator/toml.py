"""Writes the little TOML that a gateway needs to meet the simulated SMSC.

For configurations that a program makes (demo, tests, `smsgw smsc`): strings, numbers, booleans,
tables and arrays of tables.
"""

import json
from collections.abc import Mapping, Sequence


def dumps(document: Mapping[str, object]) -> str:
    """*document* as TOML: plain keys first, then tables, then arrays of tables."""
    tables = {key: value for key, value in document.items() if isinstance(value, Mapping)}
    arrays = {
        key: value
        for key, value in document.items()
        if isinstance(value, Sequence) and not isinstance(value, str)
    }
    pieces = [_pairs({k: v for k, v in document.items() if k not in tables and k not in arrays})]
    pieces += [f"[{key}]\n{_pairs(table)}" for key, table in tables.items()]
    pieces += [f"[[{key}]]\n{_pairs(table)}" for key, array in arrays.items() for table in array]
    return "\n".join(piece for piece in pieces if piece)


def _pairs(table: Mapping[str, object]) -> str:
    # A JSON string, number or boolean is TOML as well, but for DEL, which TOML wants escaped.
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f")
        for key, value in table.items()
    )
