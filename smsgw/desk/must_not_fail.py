"""What a callback raises is heard by nobody: steps of a desk that must not fail end it instead."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol


class _Ends(Protocol):
    _end: "asyncio.Future[None]"


def must_not_fail(step: Callable[..., None]) -> Callable[..., None]:
    """What *step* of a desk raises ends it: nobody waits for a callback who would hear of it."""

    @wraps(step)
    def guarded(desk: _Ends, *args: Any) -> None:
        if not desk._end.done():  # noqa: SLF001  a method, written outside of its class
            try:
                step(desk, *args)
            except Exception as fault:
                desk._end.set_exception(fault)  # noqa: SLF001

    return guarded
