"""What SMSCs said to our texts, until it is stored; of links that are this node's alone."""

import asyncio
from collections.abc import Mapping

from smsgw.desk.port import Port
from smsgw.model import SubmitResult

#: With the name of the link.
Result = tuple[str, SubmitResult]


class Results:
    """
    Args:
        leased: links have leases: what is said of one that is lost is left to whoever has it.
    """

    def __init__(self, *, leased: bool) -> None:
        self._waiting: list[Result] = []
        self._at_work: list[Result] = []
        #: Of each link that is ours, also when it has ended here; None: links have no leases.
        self._tokens: dict[str, int] | None = {} if leased else None
        self._batch_ends = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def tokens(self) -> Mapping[str, int] | None:
        """By link the token of the lease under which it runs here."""
        return None if self._tokens is None else dict(self._tokens)

    def attach(self, port: Port) -> None:
        """A link runs here from now on."""
        if self._tokens is not None and port.token is not None:
            self._tokens[port.name] = port.token

    def add(self, link: str, result: SubmitResult) -> None:
        if self._tokens is None or link in self._tokens:
            self._waiting.append((link, result))

    def take(self) -> list[Result]:
        """All of them, which a batch has from now on."""
        self._at_work, self._waiting = self._waiting, []
        return self._at_work

    def put_back(self, results: list[Result], then: Mapping[str, int] | None) -> None:
        """A batch could not store these, which it was given with the tokens of *then*."""
        now = self._tokens
        if now is not None and then is not None:
            results = [result for result in results if now.get(result[0]) == then.get(result[0])]
        self._waiting[:0] = results

    def batch_ends(self) -> None:
        """What it was given is stored, or was put back."""
        self._at_work = []
        self._batch_ends.set()

    def forget(self, link: str) -> None:
        """Another node may have it from now on."""
        if self._tokens is not None:
            self._tokens.pop(link, None)
            self._waiting = [result for result in self._waiting if result[0] != link]

    async def stored(self, link: str) -> None:
        """Wait until there are none of *link*."""
        while any(name == link for name, _ in (*self._waiting, *self._at_work)):
            self._batch_ends.clear()
            await self._batch_ends.wait()
