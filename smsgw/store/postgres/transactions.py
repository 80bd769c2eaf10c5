"""Transactions: one writer at a time, and a COMMIT of which nobody knows what became.

The turn to write is an advisory lock, taken first and given back by the end of the transaction:
from then on nobody else adds a row, which is what a batch rests on that numbers its rows itself.
PostgreSQL lets go of it after the commit is on the disk, of the standby too, and can be seen.

A daemon's transaction ends with a number in the row of its node, and fails where that is another
process's by now. Where the connection is lost in
COMMIT, the number says on whatever server answers next whether it happened. Neither the server nor
its memory of transactions is asked otherwise: after a failover `pg_xact_status` tells of another
transaction that was given the same number.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from types import MappingProxyType

import psycopg
from psycopg import errors

from smsgw.errors import SmsgwError
from smsgw.store.faults import InDoubt, StoreFault, Unavailable
from smsgw.store.postgres.server import replaced
from smsgw.store.postgres.sql import server as sql
from smsgw.store.postgres.statements import Statements, milliseconds

log = logging.getLogger("smsgw.store")


class Transactions(Statements):
    """One connection and its transactions."""

    transactions = 0  #: so many were begun
    _last_ids: tuple[int, int, int] | None = None  #: inside of a transaction
    _held: Mapping[str, int] = MappingProxyType({})  #: leases of this node, at its begin
    keys_version: int | None = None
    _early_receipts = True  #: whether there were any receipts then whose text is not known
    _batch = 0  #: the number of the last transaction of this process that was ended by COMMIT
    _asked: int | None = None  #: of that number somebody wants to know whether it happened
    _pipelining: AbstractContextManager[psycopg.Pipeline] | None = None

    @contextmanager
    def transaction(self, *, keep: bool = True, asks: bool = False) -> Iterator[None]:
        """As `protocol.Transactions` has it.

        Raises:
            InDoubt: the connection was lost in COMMIT; see `resolve`.
        """
        if self._asked is not None:
            # Another number in our row would look as if that batch had happened.
            raise Unavailable(f"{self._connection.server}: a batch is in doubt", "wait")
        self._begin()
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        if not keep:
            self._roll_back()
            return
        try:
            self._commit()
        except InDoubt:
            if asks and self._connection.node is not None:
                self._asked = self._batch
            raise

    def resolve(self) -> bool:
        """Whether the transaction that raised `InDoubt` last did happen.

        What is read comes from a transaction that itself commits: the answer will be as true as any
        commit, wherever the standby is.

        Raises:
            Unavailable: nobody knows yet.
        """
        assert self._asked is not None  # noqa: S101 - somebody asks for what was raised
        connection = self._connection
        self._begin()
        try:
            row = self._one(sql.LAST_BATCH, node=connection.node, process=connection.name)
            if row is None:
                raise replaced(str(connection.server))
            (found,) = row
            self._set_batch(found)
        except BaseException:
            self._roll_back()
            raise
        try:
            self._end_by_commit()
        except InDoubt as fault:
            raise Unavailable(fault.problem) from fault
        happened, self._asked = bool(found >= self._asked), None
        log.warning("store: the batch in doubt %s", "was stored" if happened else "was not stored")
        return happened

    @contextmanager
    def patience(self, wait: timedelta) -> Iterator[None]:
        """Inside, wait no longer than that for another writer."""
        before, self._connection.wait = self._connection.wait, wait
        self._one(sql.SET_PATIENCE, patience=str(milliseconds(wait)))
        try:
            yield
        finally:
            self._connection.wait = before
            with suppress(SmsgwError):  # a new session has it from the start
                self._one(sql.SET_PATIENCE, patience=str(milliseconds(before)))

    @contextmanager
    def deadline(self, after: timedelta) -> Iterator[None]:
        """Inside, whatever is read ends by then.

        Raises:
            Unavailable: it was not done by then.
        """
        seconds, watch = after.total_seconds(), self._connection.watch
        ends = monotonic() + seconds
        watch.limit(ends)
        try:
            yield
        except Unavailable as fault:
            if monotonic() < ends:
                raise
            raise Unavailable(
                f"{self._connection.server} does not answer within {seconds:g} s",
                "is it there, and is it busy?",
            ) from fault
        finally:
            watch.limit(None)

    # --- begin --------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Wait for the turn to write, and learn the last ids, in one way to the server and back."""
        again = True
        while True:
            self._session = session = self._opened()
            self._begin_wait()
            try:
                self._pipelining = session.pipeline()
                self._pipeline = self._pipelining.__enter__()
                session.execute(sql.BEGIN.encode(), prepare=False)
                self._run(sql.LOCK)
                news = self._ask_ahead("leases.NEWS", node=self._connection.node)
                self._last_ids = self._one("ids.LAST_IDS")
                self._held = dict(news.fetchall())
                self._early_receipts = self._held.pop("#early", None) is not None
                self.keys_version = self._held.pop("#keys")
                break
            except (psycopg.Error, StoreFault) as error:
                self._leave_pipeline()
                if self._connection.lost and again:
                    again = False  # the server went while nothing was asked of it
                    continue
                self._end_transaction()
                if isinstance(error, StoreFault):
                    self._look_for_stuck_writer(error)
                    raise
                raise self._fault(error) from error
            finally:
                self._connection.watch.end()
        self.transactions += 1

    def _look_for_stuck_writer(self, fault: StoreFault) -> None:
        if isinstance(fault.__cause__, errors.LockNotAvailable):
            with suppress(StoreFault):
                if self._all(sql.END_STUCK_WRITER):
                    log.warning("store: ended a writer that had stopped in its turn")

    # --- end ----------------------------------------------------------------------------------

    def _commit(self) -> None:
        if self._connection.node is not None:
            self._batch += 1
            try:
                self._set_batch(self._batch)
            except StoreFault:
                self._roll_back()
                raise
        self._end_by_commit()

    def _set_batch(self, number: int) -> None:
        connection = self._connection
        self._run(sql.SET_BATCH, node=connection.node, process=connection.name, batch=number)

    def _end_by_commit(self) -> None:
        """COMMIT, of which the outcome may stay unknown.

        Raises:
            InDoubt: it does.
        """
        session, pipeline = self._session, self._pipeline
        assert session is not None and pipeline is not None  # noqa: S101, PT018 - it has begun
        self._connection.warned = False
        self._begin_wait()
        try:
            ended = session.execute(b"COMMIT", prepare=False)
            pipeline.sync()
        except psycopg.Error as error:
            if _is_of_a_statement(error):
                self._roll_back()
                raise self._fault(error) from error
            self._leave_pipeline()
            self._session = None
            raise self._doubt(str(error)) from error
        finally:
            self._connection.watch.end()
        self._leave_pipeline()
        self._session = None
        if self._connection.warned:
            raise self._doubt("its wait for the standby was cancelled")
        if ended.statusmessage != "COMMIT":
            self._forget()
            raise Unavailable(f"{self._connection.server}: the transaction had failed before")

    def _doubt(self, why: str) -> InDoubt:
        self._forget()
        self._connection.drop()
        return InDoubt(
            f"{self._connection.server}: the connection was lost while it was written "
            f"({' '.join(why.split())})",
            "look whether it happened before it is done again",
        )

    def _roll_back(self) -> None:
        self._forget()  # some may have been added by the transaction that did not happen
        self._leave_pipeline()
        self._end_transaction()

    def _end_transaction(self) -> None:
        """ROLLBACK outside of the pipeline: psycopg then forgets what it has prepared, which fails
        inside of one."""
        session, self._session = self._session, None
        if session is None or self._connection.lost:
            return
        self._begin_wait()
        try:
            if session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                session.execute(b"ROLLBACK")
        except psycopg.Error:
            self._connection.drop()  # ends it as well
        finally:
            self._connection.watch.end()

    def _leave_pipeline(self) -> None:
        pipelining, self._pipelining, self._pipeline = self._pipelining, None, None
        self._last_ids = self.keys_version = None
        if pipelining is not None:
            self._begin_wait()
            try:
                # What it says now was raised before, or is of a transaction that is given up.
                with suppress(psycopg.Error):
                    pipelining.__exit__(None, None, None)
            finally:
                self._connection.watch.end()


def _is_of_a_statement(error: psycopg.Error) -> bool:
    """Whether a statement failed, and the transaction with it. After COMMIT was written to the log
    the server fails no more: it ends the session, or itself."""
    return isinstance(error, errors.PipelineAborted) or error.diag.severity_nonlocalized == "ERROR"
