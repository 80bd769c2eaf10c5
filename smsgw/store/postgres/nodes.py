"""Which daemon this is among those of one database: a node, by name, and the process that runs it.

A name belongs to one process at a time. Whoever starts and finds the row of another looks whether
it moves: the one that lives writes there every few seconds. Only what is seen twice from here
counts, no clock is compared with another. Each transaction of a daemon fails once its row is
another process's.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import NamedTuple

from smsgw.errors import SmsgwError
from smsgw.store.postgres.sql import server as sql
from smsgw.store.postgres.transactions import Transactions
from smsgw.store.values import Standby

#: A row that has not moved for so long is that of a process that ended, or will be treated as one.
STILL_SECONDS = 5.0
_PACE_SECONDS = 0.25


class _Row(NamedTuple):
    number: int
    process: str
    place: str
    pid: int
    ended: int
    beats: int
    batch: int

    @property
    def is_over(self) -> bool:
        """Whether its process is known to have ended, without watching it."""
        return bool(self.ended) or (self.place == place() and not _runs(self.pid))


class Nodes(Transactions):
    """The daemon's own row."""

    number = 0  #: a small one that no other node has; 0: of a command
    succeeds = True  #: the process that was this node before is known to have ended

    def be_node(self) -> None:
        """From now on this process is the node of its name.

        Raises:
            SmsgwError: another process is, which lives.
        """
        connection = self._connection
        assert connection.node is not None  # noqa: S101 - a daemon
        node, process = connection.node, connection.name
        before = self._node(node)
        if before is not None and not before.is_over:
            self._watch(node, before)
            self.succeeds = False
        with self.transaction():
            if self._node(node) != before:
                raise self._refusal(node)
            self._run(sql.FORGET_NODES, node=node)
            take = sql.TAKE_NODE if before else sql.ADD_NODE
            own = {"node": node, "process": process, "place": place(), "pid": os.getpid()}
            (self.number,) = self._one(take, **own)
        connection.served = True

    def set_configuration(self, digest: str) -> None:
        """What must be the same on all nodes, as one number."""
        self._run(sql.SET_CONFIGURATION, node=self._connection.node or "", configuration=digest)

    @property
    def is_shared(self) -> bool:
        return True

    def owners(self) -> Mapping[str, str]:
        """By link the node that has it."""
        return dict(self._all(sql.OWNERS))

    def want(self, link: str, node: str) -> bool:
        """Have *node* take a link from the one that has it."""
        return bool(self._count(sql.WANT, link=link, node=node))

    def standby(self) -> Standby:
        """Whether what is committed is on another machine, too."""
        names, may_look, standbys = self._one(sql.STANDBY)
        why = ""
        if not names:
            why = "synchronous_standby_names is empty"
        elif not may_look:
            why = "the user of gateway.database needs the role pg_monitor to see one"
        elif not standbys:
            why = "none is connected"
        return Standby(not why, why)

    def _node(self, name: str) -> _Row | None:
        row = self._one(sql.GET_NODE, node=name)
        return _Row(*row) if row else None

    def _watch(self, name: str, before: _Row) -> None:
        ends = monotonic() + STILL_SECONDS
        while monotonic() < ends:
            Event().wait(_PACE_SECONDS)
            if self._node(name) != before:
                raise self._refusal(name)

    def _refusal(self, name: str) -> SmsgwError:
        return SmsgwError(
            f'another daemon serves {self._connection.server} as node "{name}"',
            "stop it first, or give this one a gateway.node of its own",
        )


def place() -> str:
    """Where a pid means a process: this start of the machine, and its room of pids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # no Linux: nobody is known to have ended
        return ""


def _runs(pid: int) -> bool:
    """Whether another process of that number lives here."""
    if pid == os.getpid():
        return False
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
