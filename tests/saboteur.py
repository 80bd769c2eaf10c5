"""`smsgw` with one thing broken, so that the product needs no code for tests.

    python tests/saboteur.py FAULT[=ARGUMENT] [COMMAND LINE OF SMSGW]

Wraps the product's own functions before its command line runs. SIGKILL at a named point of a
message's way is a fault like any other; a fault that lasts "while" a file exists can be lifted
by the test that removes the file.
"""

import ctypes
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from smsgw import clock, upkeep
from smsgw.datakeys import DataKeys
from smsgw.desk import Desk
from smsgw.gateway import Gateway
from smsgw.links import Link
from smsgw.model import Taken
from smsgw.smpp import receipts
from smsgw.store.sqlite.store import SqliteStore
from smsgw.store.verbs.batch import Batch
from tests import raw_sqlite


def command(fault, argument=None):
    """The command that stands for `smsgw`, with that fault."""
    return [sys.executable, __file__, fault if argument is None else f"{fault}={argument}"]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def wrap(owner, name, *, before=None, after=None):
    """Call *before* with the arguments, *after* with result and arguments, of each call."""
    original = getattr(owner, name)

    def wrapped(self, *args, **options):
        if before:
            before(self, *args, **options)
        result = original(self, *args, **options)
        if after:
            after(result, self, *args, **options)
        return result

    setattr(owner, name, wrapped)


# --- SIGKILL at a named point of a message's way ------------------------------------------------


def die_when(owner, name, *, before=None, after=None):
    """Die at the *count*th call of a function for which the condition holds."""

    def install(count="1"):
        left = int(count)

        def judge(condition):
            def judged(*args, **options):
                nonlocal left
                if condition(*args, **options):
                    left -= 1
                    if left == 0:
                        die()

            return condition and judged

        wrap(owner, name, before=judge(before), after=judge(after))

    return install


def answered(_, link, session, ticket, answer):
    """The answer is on the wire; without this, answer and reply leave in one write."""
    connection = link.sessions.get(session)
    if connection:
        connection.flush()
    return True


#: In the order of a message's way.
POINTS = {
    "mo-read": die_when(Desk, "received", before=lambda *_: True),
    "before-commit": die_when(Batch, "write", after=lambda _, store, changes: changes.mos),
    "after-commit": die_when(Gateway, "commit", after=lambda done, *_: done.outcomes),
    "after-answer": die_when(Link, "answer", after=answered),
    "after-reply": die_when(Link, "flush", after=lambda _, link: link.in_flight),
    "reply-answered": die_when(
        Gateway,
        "commit",
        before=lambda _, batch, now: any(type(r) is Taken for _, r in batch.results),
    ),
    "reply-settled": die_when(
        Gateway,
        "commit",
        after=lambda done, _, batch, now: any(type(r) is Taken for _, r in batch.results),
    ),
}
#: Those from which a reply may come twice: it was sent, and that it was taken is not on the disk.
MAY_DOUBLE = {"after-reply", "reply-answered"}

#: In the order of an expiry pass.
EXPIRY_POINTS = {
    "lapse-before-commit": die_when(Batch, "write", after=lambda _, store, changes: changes.issued),
    "lapse-after-commit": die_when(Gateway, "expire", after=lambda done, *_: done.replaced),
    "reminder-claimed": die_when(Gateway, "claim", after=lambda claim, *_: claim.mts),
}


# --- a disk and a machine in trouble ------------------------------------------------------------


def full_while(path):
    """The disk is full while *path* exists, as SQLite sees it: no page can be added."""
    flag = Path(path)

    def limit(store, **_):
        pages = 1 if flag.exists() else 2**31  # 1: as many as there are
        store._db.execute(f"PRAGMA max_page_count = {pages}")

    wrap(SqliteStore, "transaction", before=limit)


def no_memory_while(path):
    """No batch finds memory while *path* exists."""
    flag = Path(path)

    def fail(*_):
        if flag.exists():
            raise MemoryError

    wrap(SqliteStore, "write", before=fail)


def ioerr_while(path):
    """COMMIT meets an I/O error while *path* exists."""

    def fail():
        raise raw_sqlite.input_output_error()

    before_commit_while(path, fail)


def slow_while(path):
    """COMMIT takes half a second longer while *path* exists."""
    before_commit_while(path, lambda: time.sleep(0.5))


def hangs_while(path):
    """The store's thread stands still at its next transaction while *path* exists."""

    def wait(*_, **__):
        while Path(path).exists():
            time.sleep(0.05)

    wrap(SqliteStore, "transaction", before=wait)


def before_commit_while(path, step):
    """Take *step* before each COMMIT while *path* exists."""
    flag = Path(path)
    raw_sqlite.before_commit(lambda: flag.exists() and step())


def impatient(seconds="0.2"):
    """Waits only so long for another process that holds the database."""
    original = SqliteStore.open

    def open_(path, **options):
        return original(path, **options | {"busy_timeout": timedelta(seconds=float(seconds))})

    setattr(SqliteStore, "open", staticmethod(open_))


def hasty_keys(seconds="1"):
    """Data keys live so long instead of minutes, and are looked for twice as often."""
    life = timedelta(seconds=float(seconds))
    DataKeys.__init__.__defaults__ = (life,)
    upkeep.RESEAL_INTERVAL = life / 2


def powerless():
    """File modes count for root as well: its capabilities are gone (capset(2), version 3)."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


def stuck_on_poison(path):
    """Stand still over a text of poison, and make the file *path* to say so."""
    original = receipts.is_receipt

    def is_receipt(pdu):
        if b"poison" in pdu.octets:
            Path(path).touch()
            while True:
                time.sleep(1)
        return original(pdu)

    receipts.is_receipt = is_receipt


def later(path):
    """So many seconds later as the file *path* says, from the moment that it says so."""
    offset, now = Path(path), clock.now

    def later_now():
        told = offset.read_text() if offset.exists() else ""
        return now() + timedelta(seconds=float(told or 0))

    clock.now = later_now


FAULTS = {
    **POINTS,
    **EXPIRY_POINTS,
    "full-while": full_while,
    "hangs-while": hangs_while,
    "ioerr-while": ioerr_while,
    "slow-while": slow_while,
    "no-memory-while": no_memory_while,
    "impatient": impatient,
    "nothing": lambda: None,
    "powerless": powerless,
    "stuck-on-poison": stuck_on_poison,
    "hasty-keys": hasty_keys,
    "later": later,
}


if __name__ == "__main__":
    from smsgw.cli.main import execute

    name, _, argument = sys.argv[1].partition("=")
    FAULTS[name](*([argument] if argument else []))
    sys.exit(execute(sys.argv[2:]))
