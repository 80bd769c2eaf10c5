"""Names of statements, by which an engine finds its own text of each."""

import sys
from types import ModuleType


class Names:
    """The statements of one *group*: `Names("outbox").CLAIM` is "outbox.CLAIM".

    That there is such a statement in each engine, `tests/store/test_statements.py` sees to.
    """

    def __init__(self, group: str) -> None:
        self._group = group

    def __getattr__(self, name: str) -> str:
        found = sys.intern(f"{self._group}.{name}")
        setattr(self, name, found)  # asked for once
        return found


def collected(*groups: ModuleType) -> dict[str, str]:
    """The texts of an engine, by name: each constant of the modules that are its groups."""
    return {
        sys.intern(f"{group.__name__.rpartition('.')[2]}.{name}"): text
        for group in groups
        for name, text in vars(group).items()
        if name.isupper() and not name.startswith("_")
    }
