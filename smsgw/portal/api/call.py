"""One call: who asks, what was sent, what it may use."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import Headers
from starlette.requests import Request

from smsgw.portal.api import fields
from smsgw.portal.api.fields import Place
from smsgw.portal.api.problems import Problem
from smsgw.portal.guessing import Guessing
from smsgw.portal.portal import Portal

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Call:
    """By somebody who may."""

    portal: Portal
    guessing: Guessing
    request: Request
    client: str  #: NAME of who asks
    now: datetime
    locks: MutableMapping[bytes, asyncio.Lock]  #: of requests that are alike: one after the other

    @property
    def sub(self) -> str:
        """Which account the path names."""
        return str(self.request.path_params["sub"])

    @property
    def place(self) -> Place:
        """
        Raises:
            Problem: the query is none of a list.
        """
        return fields.place(self.request.query_params.multi_items())

    @property
    def id(self) -> str:
        return str(self.request.state.id)

    async def document(self, *kinds: str) -> object:
        """The body, as one of these *kinds*.

        Raises:
            Problem: it is none of them, or no JSON.
        """
        if not _is_one_of(self.request.headers, kinds):
            accept = "accept-patch" if self.request.method == "PATCH" else "accept-post"
            raise Problem("unsupported-media-type", headers={accept: ", ".join(kinds)})
        return fields.document(await self.request.body())

    def header(self, name: str) -> str | None:
        """All values of a header in one line; None: there is none."""
        found = self.request.headers.getlist(name)
        return ", ".join(found) if found else None


def _is_one_of(headers: Headers, kinds: tuple[str, ...]) -> bool:
    found = headers.getlist("content-type")
    if len(found) != 1 or headers.get("content-encoding", "identity").lower() != "identity":
        return False
    kind, _, rest = found[0].partition(";")
    charset = rest.replace(" ", "").replace('"', "").lower()
    return kind.strip().lower() in kinds and charset in ("", "charset=utf-8")
