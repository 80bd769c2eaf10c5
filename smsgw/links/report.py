"""What one try to bind came to, step by step: for who sees a carrier for the first time.

Pure; times are the loop's. Each try is reported, whether or not anybody looks.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from smsgw.links.questions import question


class Step(NamedTuple):
    """One thing that worked, or did not."""

    session: str  #: transceiver, receiver or transmitter
    step: str  #: resolve, connect, tls, bind, smsc, enquire_link, send, receipt, unbind
    ok: bool
    detail: str
    ms: int | None = None  #: how long it took
    ask: str | None = None  #: what to ask the carrier


class Report:
    """The steps of one try, in their order, up to the one that failed."""

    def __init__(self, session: str, now: Callable[[], float]) -> None:
        self._session = session
        self._now = now
        self._step = "resolve"
        self._since = now()
        self.steps: list[Step] = []
        self.over = asyncio.Event()  #: it is bound, or failed

    def begins(self, step: str) -> None:
        """That is tried from now on."""
        self._step, self._since = step, self._now()

    def done(self, detail: str) -> None:
        """It worked."""
        self._add(ok=True, detail=detail)

    def notes(self, step: str, detail: str) -> None:
        """Something that takes no time."""
        self.steps.append(Step(self._session, step, True, detail))

    def fails(self, reason: str, status: int | None = None) -> None:
        """It did not, and nothing follows; what was over stays as it is.

        Args:
            status: with which the SMSC refused.
        """
        if not self.over.is_set():
            self._add(ok=False, detail=reason, ask=question(self._step, reason, status))
            self.over.set()

    def _add(self, *, ok: bool, detail: str, ask: str | None = None) -> None:
        took = round(1000 * (self._now() - self._since))
        self.steps.append(Step(self._session, self._step, ok, detail, took, ask))
