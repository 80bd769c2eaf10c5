"""The engine: all groups of verbs over one PostgreSQL database.

Plain synchronous functions on one connection, used by one thread, as those of SQLite.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Self

import psycopg

from smsgw import __version__
from smsgw.database import Server
from smsgw.errors import NoDatabase, SmsgwError
from smsgw.store.copy import copy
from smsgw.store.postgres.batch import Batch, Counted
from smsgw.store.postgres.copies import Copies
from smsgw.store.postgres.leases import Fences
from smsgw.store.postgres.nodes import Nodes
from smsgw.store.postgres.schema import MIGRATIONS, collated
from smsgw.store.postgres.server import Connection
from smsgw.store.postgres.sql import server as sql
from smsgw.store.postgres.statements import fault_of
from smsgw.store.sqlite.store import SqliteStore
from smsgw.store.values import BUSY_TIMEOUT
from smsgw.store.verbs.accounts import Accounts
from smsgw.store.verbs.clients import Clients
from smsgw.store.verbs.outbox import Outbox
from smsgw.store.verbs.parts import Parts
from smsgw.store.verbs.portal import Citizens
from smsgw.store.verbs.receipts import Receipts
from smsgw.store.verbs.reports import Reports
from smsgw.store.verbs.rights import Rights


class PostgresStore(
    Nodes,
    Batch,
    Parts,
    Outbox,
    Receipts,
    Accounts,
    Reports,
    Rights,
    Citizens,
    Clients,
    Counted,
    Copies,
    Fences,
):
    """One PostgreSQL database, open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._forget()

    @classmethod
    def open(
        cls,
        server: Server,
        *,
        create: bool = True,
        busy_timeout: timedelta = BUSY_TIMEOUT,
        migrate: bool = True,
        node: str | None = None,
    ) -> Self:
        """Open the database at *server*, which somebody has made; its tables are made where they
        are missing.

        Args:
            create: false: tables that are missing are a fault.
            migrate: bring tables of an older version up to date, which only the daemon may.
            node: the name of the daemon that opens it.

        Raises:
            Unavailable: the server does not answer.
            SmsgwError: it cannot be opened, is not ours, or is of another version.
        """
        store = cls(Connection(server, busy_timeout, node))
        try:
            store._connection.open()
            store._set_up(create=create, migrate=migrate)
            if node is not None:
                store.be_node()
        except BaseException:
            store.close()
            raise
        return store

    def _set_up(self, *, create: bool, migrate: bool) -> None:
        server = self._connection.server
        applied: list[str] = []
        if self._one(sql.FIND_OURS)[0]:
            applied = [name for (name,) in self._all(sql.LIST_MIGRATIONS)]
        elif not create:
            raise NoDatabase(str(server))
        elif self._one(sql.COUNT_TABLES)[0]:
            raise SmsgwError(
                f"{server} is the database of another program",
                "make one for smsgw alone: is gateway.database the right one?",
            )
        unknown = [name for name in applied if name not in MIGRATIONS]
        if unknown:
            raise SmsgwError(
                f"{server} was made by another version of smsgw, a newer one than this "
                f"{__version__} (it has {', '.join(unknown)})",
                "use the smsgw of that version",
            )
        pending = [name for name in MIGRATIONS if name not in applied]
        if pending and applied and not migrate:
            raise SmsgwError(
                f"{server} is of an older version of smsgw than this {__version__} "
                f"(it lacks {', '.join(pending)})",
                "start the daemon of this version, which brings it up to date; "
                "until then use the smsgw of the daemon that runs",
            )
        if pending:
            self._migrate()

    def _migrate(self) -> None:
        """Apply what is missing, with its records in one transaction; another node that starts at
        this moment waits, and finds it done."""
        session = self._connection.open()
        try:
            with session.transaction():
                session.execute(sql.LOCK_MIGRATIONS.encode())
                if not session.execute(sql.FIND_OURS.encode()).fetchall()[0][0]:
                    session.execute(collated(sql.MAKE_MIGRATIONS).encode())
                found = session.execute(sql.LIST_MIGRATIONS.encode()).fetchall()
                for name, step in MIGRATIONS.items():
                    if (name,) not in found:
                        step(lambda statement: session.execute(collated(statement).encode()))
                        session.execute(sql.ADD_MIGRATION.encode(), [name])
        except psycopg.Error as error:
            fault = fault_of(str(self._connection.server), error)
            raise SmsgwError(
                fault.problem, "may the user of gateway.database make tables there?"
            ) from error

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    # --- what a file has ------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """Beside which the gateway's own files lie."""
        return self._connection.server.files

    def truncate_log(self) -> bool:
        """The log is the server's, and so is what stays in it: nothing is to be done here."""
        return True

    def has_traces(self, of: Sequence[str]) -> bool:
        """Rows that were removed stay in the server's files, until it vacuums, and in its log."""
        return bool(of)

    def rewrite(self) -> bool:
        """Its files are the server's to write anew."""
        return False

    def copy_to(self, file: Path) -> None:
        """Write a copy to *file*, which is empty, as an SQLite file: of one moment, while others go
        on writing.

        Raises:
            Unavailable: it cannot be written, or the server does not answer.
        """
        with closing(SqliteStore.open(file)) as target:
            copy(self, target, str(self._connection.server))
