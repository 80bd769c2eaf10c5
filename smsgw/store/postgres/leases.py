"""Leases: the keeper's session, which is not that of batches, and what a batch sees of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from smsgw.clock import stamp
from smsgw.database import Server
from smsgw.store.postgres.server import Connection
from smsgw.store.postgres.statements import Statements
from smsgw.store.postgres.transactions import Transactions
from smsgw.store.values import LeaseRow
from smsgw.store.verbs.names import Names

sql = Names("leases")


class LeaseTable(Statements):
    """Used by one thread. Each statement is a transaction of its own, whose commit is waited for,
    by a standby, too: what a new primary does not know of was never promised."""

    def __init__(self, server: Server, node: str, patience: timedelta) -> None:
        self._node = node
        self._patience = patience.total_seconds()
        self._connection = Connection(server, patience)

    def _ask(self, text: bytes, values: Sequence[Any]) -> psycopg.Cursor[Any]:
        # Never twice in silence: another session may be with a server that knows less.
        self._session = self._opened()
        try:
            return super()._ask(text, values)
        finally:
            self._session = None

    def _begin_wait(self) -> None:
        self._connection.watch.begin(self._patience)

    def look(self, names: Collection[str]) -> tuple[list[LeaseRow], list[tuple[str, int]]]:
        """As `protocol.Leases` has it."""
        wanted = self._texts(names)
        rows = self._all(sql.LOOK, names=wanted)
        if len(rows) < len(names):
            self._count(sql.ADD, names=wanted)
            rows = self._all(sql.LOOK, names=wanted)
        return [LeaseRow(*row) for row in rows], self._all(sql.BEATS)

    def take(self, row: LeaseRow) -> int | None:
        found = self._one(
            sql.TAKE,
            node=self._node,
            name=row.name,
            token=row.token,
            renewals=row.renewals,
            owner=row.owner,
        )
        return None if found is None else int(found[0])

    def renew(self, tokens: Mapping[str, int]) -> set[str]:
        values = {"names": self._texts(tokens), "tokens": self._ids(tokens.values())}
        return {name for (name,) in self._all(sql.RENEW, node=self._node, **values)}

    def release(self, name: str, token: int) -> None:
        self._count(sql.RELEASE, name=name, token=token, node=self._node)

    def forget_wish(self, row: LeaseRow) -> None:
        self._count(sql.FORGET_WISH, name=row.name, node=self._node, wanted=row.wanted)

    def close(self) -> None:
        self._connection.close()


class Fences(Transactions):
    """What a batch sees."""

    def held(self) -> Mapping[str, int]:
        return self._held

    def taken_by_others(self) -> set[str]:
        return {name for (name,) in self._all(sql.TAKEN_BY_OTHERS, node=self._connection.node)}

    def is_configured_alike(self) -> bool:
        return bool(self._one(sql.ARE_ALIKE)[0])

    def end_leases_of(self, link: str, now: datetime) -> None:
        self._run(sql.END_LEASES_OF, link=link, now=stamp(now))

    def end_leases_but(
        self, others: Iterable[str], now: datetime, latest: datetime, ends: datetime
    ) -> tuple[set[str], int]:
        values = {"now": stamp(now), "latest": stamp(latest), "ends": stamp(ends)}
        rows = self._all(sql.END_LEASES_BUT, others=self._texts(others), **values)
        ended = {link for link, leased in rows if not leased}
        return ended, sum(leased for _, leased in rows)
