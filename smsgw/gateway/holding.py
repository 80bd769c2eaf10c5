"""Which links are this node's, where several nodes share a store; and how a link begins here.

Inside the gateway's transactions, which see what was taken before they began: a node that takes a
link waits for the turn to write before it sends anything, so that no batch of the one before it is
still under way then.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from smsgw.gateway.batch import Batch, Done, LinkBegins
from smsgw.gateway.tools import Tools
from smsgw.model import LinkState


class Holding:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._store = tools.store

    def has(self, link: str, token: int | None) -> bool:
        """Whether this node has *link* with that token; None: links have none."""
        return token is None or self._store.held().get(link) == token

    def ours(self, batch: Batch, done: Done) -> Batch:
        """*batch* but for what came by links that another node has by now, which are noted as
        `done.lost`; the same where there are none."""
        held, tokens = self._store.held(), batch.tokens or {}
        came = {mo.link for mo in batch.mos} | {receipt.link for receipt in batch.receipts}
        came.update(link for link, _ in batch.results)
        done.lost = {name for name in came if held.get(name, 0) != tokens.get(name)}
        return batch.without(done.lost) if done.lost else batch

    def take_over(self, link: str, token: int, now: datetime) -> LinkBegins | None:
        """What waits for *link* is in nobody's memory any more; None: it is another's by now."""
        with self._store.transaction():
            if not self.has(link, token):
                return None
            self._store.end_leases_of(link, now)
            stopped = self.begin([link], now).get(link)
            oddities = {status.name: status.oddities for status in self._store.links()}
        self._tools.counts.forget()  # others have answered the link's senders meanwhile
        return LinkBegins(stopped, oddities.get(link, {}))

    def begin(self, links: Iterable[str], now: datetime) -> Mapping[str, str]:
        """So these stand where commands look, until they have bound; which are to stay down, and
        by whose wish."""
        zone = self._tools.rules.zone
        stopped = {name: stop.told(zone) for name, stop in self._store.stopped_links().items()}
        for name in links:
            state = LinkState.STOPPED if name in stopped else LinkState.CONNECTING
            self._store.set_link(name, state, stopped.get(name), now)
        return stopped
