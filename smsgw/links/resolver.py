"""Names -> addresses, without the event loop or another link having to wait."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

#: Family, kind, protocol, canonical name and address, as the system gives them.
Found = tuple[Any, ...]


class Resolver:
    """Looks names up for one line, in a thread of its own that nobody has to wait for.

    The loop's own look-ups share a few threads, and its end waits for them: name servers that are
    silent would hold up other links, and the end. A try that gives up leaves its look-up running;
    the next one waits for the same, so that there is one thread a line at most.
    """

    def __init__(self) -> None:
        self._asked: tuple[str, int] | None = None
        self._answer: asyncio.Future[Sequence[Found]] | None = None

    @property
    def waits(self) -> bool:
        """Whether a look-up is still without an answer."""
        return self._answer is not None and not self._answer.done()

    async def look_up(self, host: str, port: int) -> Sequence[Found]:
        """The addresses of *host*, in the order in which they should be tried.

        Raises:
            OSError: it cannot be resolved.
            ValueError: it cannot be a name.
        """
        with suppress(socket.gaierror):  # an address needs no name server
            return _get_addresses(host, port, socket.AI_NUMERICHOST)
        if self._answer is None or self._answer.done() or self._asked != (host, port):
            self._asked = (host, port)
            self._answer = self._ask(host, port)
        return await asyncio.shield(self._answer)

    @staticmethod
    def _ask(host: str, port: int) -> "asyncio.Future[Sequence[Found]]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Found]] = loop.create_future()

        def settle(found: Sequence[Found], fault: Exception | None) -> None:
            if fault is None:
                answer.set_result(found)
            else:
                answer.set_exception(fault)
                answer.exception()  # where nobody waits any more, nobody need hear of it

        def run() -> None:
            found: Sequence[Found] = ()
            fault: Exception | None = None
            try:
                found = _get_addresses(host, port)
            except Exception as raised:
                fault = raised
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, found, fault)

        threading.Thread(target=run, name=f"look up {host}", daemon=True).start()
        return answer


def _get_addresses(host: str, port: int, flags: int = 0) -> Sequence[Found]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    # RFC 8305 §4: the families by turns, beginning with the one that the system prefers.
    first = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    return [each for pair in zip_longest(first, others) for each in pair if each is not None]
