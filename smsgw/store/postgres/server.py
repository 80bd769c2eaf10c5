"""The connection to the server: how it is made, what it is set to, how long it may be silent.

What is asked of a session is set after connecting and read back: a pooler between us and the server
may drop what stands in an address, in silence. A connection that was lost is made anew by whoever
needs one next; which server is the primary then, libpq finds among the hosts of the address.
"""

import logging
import os
import re
import secrets
import socket
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper

from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.store.faults import Unavailable
from smsgw.store.postgres.sql import prepared
from smsgw.store.postgres.sql import server as sql

logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it says there, it raises as well

#: The oldest server that all of this was written for.
OLDEST = 14
#: What an address may say otherwise: a machine that vanished is noticed within seconds.
_PATIENT = {
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "5000",
}
#: Who holds the turn to write and is stopped must not stop the others.
_IDLE_IN_TRANSACTION = timedelta(seconds=3)
#: So long the server may say nothing where something was asked of it, beyond the wait for a turn.
SILENCE = timedelta(seconds=5)
#: For the daemon, whose statements all use an index: a plan made on empty tables would read whole
#: ones, and stay when they have millions of rows.
_BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
#: What has to be on for a commit to be on the disk.
_SAFE = ("fsync", "full_page_writes")
#: A server of which these are said may answer later; what else it says is its answer.
_AWAY = re.compile(
    r"refused|timeout expired|timed out|could not translate|name resolution|No such file|reset|"
    r"closed the connection|No route|unreachable|starting up|shutting down|recovery|not yet accept",
    re.IGNORECASE,
)


#: What libpq adds to its first sentence, and then once more for each host.
_MORE = re.compile(r" (Is the server running|This probably means|Multiple connection attempts).*")


class Connection:
    """One session of ours, made anew where it was lost.

    Args:
        wait: so long it waits for another writer.
        node: the name of the daemon whose connection it is; None: a command's.
    """

    def __init__(self, server: Server, wait: timedelta, node: str | None = None) -> None:
        self.server = server
        self.node = node
        self.wait = wait
        self.warned = False  #: a COMMIT came back with a warning
        #: Of this process alone: a daemon elsewhere may run on a machine of the same name.
        self.name = f"smsgw {node or 'command'}"[:54] + f" {secrets.token_hex(4)}"
        self._cluster: int | None = None  # of which cluster it was, once it was asked
        self._strange = False  # another one has answered since
        self.served = False  #: this daemon has a row there
        self._raw: psycopg.Connection[Any] | None = None
        #: Until when there is no server, and what was said of it.
        self._away: tuple[float, type[SmsgwError], str, str | None] | None = None
        self._watch = Watch()

    def open(self) -> psycopg.Connection[Any]:
        """The session, which is made where there is none.

        Raises:
            Unavailable: the server does not answer.
            SmsgwError: it does, and we can do nothing there.
        """
        if self._raw is not None and not self._raw.closed and not self._raw.broken:
            return self._raw
        self._drop()
        raw = self._connect_or_say_so()
        self._watch.begin((self.wait + SILENCE).total_seconds())
        try:
            self._set(raw)
            if self.node is not None:
                self._be_alone(raw)
        except BaseException:
            raw.close()
            raise
        finally:
            self._watch.end()
        self._raw = raw
        return raw

    @property
    def lost(self) -> bool:
        """Whether there is no session any more."""
        return self._raw is None or self._raw.closed or self._raw.broken

    def drop(self) -> None:
        """End the session, which is good for nothing any more."""
        self._drop()

    def close(self) -> None:
        self._watch.close()
        self._drop()

    def _drop(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            with suppress(psycopg.Error):
                raw.close()

    # --- how it is made -----------------------------------------------------------------------

    def _connect_or_say_so(self) -> psycopg.Connection[Any]:
        """As `_connect`. But to learn that a machine has vanished takes seconds: for as long as it
        has taken, who asks next is told the same at once, else the portal's visitors would wait in
        a row for it. A daemon has one try at a time, and wants each."""
        began = monotonic()
        if self._away is not None and began < self._away[0] and self.node is None:
            _, kind, problem, remedy = self._away
            raise kind(problem, remedy)
        try:
            return self._connect()
        except SmsgwError as fault:
            ended = monotonic()
            self._away = (2 * ended - began, type(fault), fault.problem, fault.remedy)
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        given = conninfo_to_dict(self.server.url)
        ours = {key: value for key, value in _PATIENT.items() if key not in given}
        if self.server.password is not None:
            ours["password"] = self.server.password
        try:
            raw = psycopg.connect(
                make_conninfo(
                    self.server.url,
                    application_name=self.name,
                    target_session_attrs="read-write",
                    client_encoding="UTF8",
                    **ours,
                ),
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                prepare_threshold=0,
            )
        except psycopg.Error as error:
            raise _connect_fault(self.server, error) from None  # it may quote the password
        raw.prepared_max = None  # there are as many as there are statements
        raw.adapters.register_dumper(int, Int8Dumper)  # one type, whatever the value
        raw.add_notice_handler(self._notice)
        self._watch.look_after(raw.fileno())
        return raw

    def _notice(self, diagnostic: Any) -> None:
        # COMMIT succeeds when its wait for the standby is cancelled, and may be lost all the same.
        if diagnostic.sqlstate == "01000":
            self.warned = True

    def _set(self, raw: psycopg.Connection[Any]) -> None:
        wanted = {
            "lock_timeout": str(self.wait // timedelta(milliseconds=1)),
            "idle_in_transaction_session_timeout": str(
                _IDLE_IN_TRANSACTION // timedelta(milliseconds=1)
            ),
            "statement_timeout": "0",
            "synchronous_commit": "on",
            "jit": "off",  # it takes longer than any statement of ours
            **(_BY_INDEX if self.node is not None else {}),
        }
        self._recognise(raw)
        names = [*wanted, *_SAFE, "server_encoding", "server_version_num"]
        before = dict(self._ask(raw, sql.GET, [names]))
        if before["synchronous_commit"] == "remote_apply":  # is more
            wanted["synchronous_commit"] = "remote_apply"
        self._ask(raw, sql.SET, [[*wanted], [*wanted.values()]])
        found = dict(self._ask(raw, sql.GET, [names]))
        for name, value in wanted.items():
            if found[name] != value:
                raise SmsgwError(
                    f"{self.server} did not accept {name} = {value}",
                    "connect to the server itself, not through a pooler",
                )
        for name in _SAFE:
            if found[name] != "on":
                raise SmsgwError(
                    f"{self.server} runs with {name} = off, which loses what was acknowledged",
                    "switch it on",
                )
        if found["server_encoding"] != "UTF8":
            raise SmsgwError(
                f"{self.server} is a database in {found['server_encoding']}",
                "make one with ENCODING 'UTF8'",
            )
        if int(found["server_version_num"]) < OLDEST * 10_000:
            raise SmsgwError(
                f"{self.server} is PostgreSQL {int(found['server_version_num']) // 10_000}",
                f"use {OLDEST} or newer",
            )

    def _recognise(self, raw: psycopg.Connection[Any]) -> None:
        """A standby that took over is of the same cluster; another one has other accounts, whatever
        its tables are called."""
        try:
            [(found,)] = raw.execute(prepared(sql.CLUSTER).text).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            return
        if self._cluster is None:
            self._cluster = found
        self._strange = self._strange or found != self._cluster
        if self._strange:  # also where the one before is back: who knows what the others did
            raise Unavailable(
                f"{self.server} is, or was, another cluster than before",
                "is it the right one? Then restart the daemon",
            )

    def _be_alone(self, raw: psycopg.Connection[Any]) -> None:
        """See that no other session of this process is left, of which the server may not know that
        it is over, and that this process is still the node that it was."""
        ends = monotonic() + self.wait.total_seconds()
        while self._ask(raw, sql.END_OLD_SESSION, [self.name]):
            if monotonic() > ends:
                raise Unavailable(f"{self.server}: an old session of ours does not end")
            Event().wait(0.02)
        if self.served and not self._ask(raw, sql.LAST_BATCH, [self.node, self.name]):
            # What it leased and we hold would be sent twice; of a batch in doubt nobody knows.
            raise replaced(str(self.server))

    def _ask(self, raw: psycopg.Connection[Any], statement: str, values: list[Any]) -> list[Any]:
        try:
            return raw.execute(prepared(statement).text, values, prepare=False).fetchall()
        except psycopg.Error as error:
            raise _connect_fault(self.server, error) from None

    # --- how long it may be silent ------------------------------------------------------------

    @property
    def watch(self) -> "Watch":
        return self._watch


class Watch:
    """Cuts a connection on which no answer comes for too long: the kernel of a machine whose server
    is stopped still confirms what it gets, and no time-out of TCP ever ends."""

    _PACE_SECONDS = 0.1

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._ends: float | None = None
        self._limit: float | None = None  #: whatever is waited for ends by then
        self._closed = Event()
        self._thread: Thread | None = None

    def look_after(self, number: int) -> None:
        """From now on, after the socket of that *number*."""
        before, self._socket = self._socket, socket.socket(fileno=os.dup(number))
        if before is not None:
            before.close()

    def begin(self, seconds: float) -> None:
        """Something is asked, and *seconds* are enough for the answer."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="patience", daemon=True)
            self._thread.start()
        ends = monotonic() + seconds
        self._ends = ends if self._limit is None else min(ends, self._limit)

    def end(self) -> None:
        """The answer is here."""
        self._ends = None

    def limit(self, ends: float | None) -> None:
        """Nothing is waited for beyond this monotonic time."""
        self._limit = ends

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()

    def _work(self) -> None:
        while not self._closed.wait(self._PACE_SECONDS):
            ends = self._ends
            if ends is not None and monotonic() > ends and self._socket is not None:
                self._ends = None
                with suppress(OSError):  # it was cut already
                    self._socket.shutdown(socket.SHUT_RDWR)


def replaced(server: str) -> Unavailable:
    """Another process has become this node."""
    return Unavailable(
        f"another daemon has served {server} as this node meanwhile", "restart this one"
    )


def _connect_fault(server: Server, error: psycopg.Error) -> SmsgwError:
    """Why there is no session, in one line."""
    said = _MORE.sub("", " ".join(str(error).split()))
    if "read-only" in said or "read only" in said:
        return SmsgwError(
            f"{server}: no server of these takes writes", "name the primary, too, in the address"
        )
    if error.sqlstate is None and _AWAY.search(said):
        return Unavailable(f"{server}: {said}")
    return SmsgwError(
        f"{server}: {said}", "check user, password, database and rights of gateway.database"
    )
