"""What somebody probably meant by a name that does not exist. Knows words only."""

from collections.abc import Iterable
from difflib import get_close_matches

from smsgw.speech import say

_LIKE = 0.6  # as difflib measures it


def closest(typed: str, names: Iterable[str]) -> str | None:
    """Which of *names* is meant by *typed*, if any is like it."""
    names = list(names)
    typed = typed.lower()
    begun = [name for name in names if typed and name.lower().startswith(typed)]
    if len(begun) == 1:
        return begun[0]
    found = get_close_matches(typed, [name.lower() for name in names], n=1, cutoff=_LIKE)
    return next((name for name in names if found and name.lower() == found[0]), None)


def did_you_mean(problem: str, typed: str, names: Iterable[str]) -> str:
    """*problem*, a sentence, and which of *names* may have been meant."""
    meant = closest(typed, names)
    if not meant:
        return problem
    return say("{problem} Did you mean {meant}?", problem=problem, meant=meant)
