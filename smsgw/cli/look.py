"""How `status` and `links` come to know what they show: from the daemon, else from the database.

The daemon knows more (rates, a store that stands still), and to ask it touches no disk. Where none
answers, a child process reads the database. Nobody waits for longer than five seconds in all.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from smsgw import __version__, clock, overview
from smsgw.asking import SilentDaemon
from smsgw.census import Outbox, count_all
from smsgw.cli.apart import apart
from smsgw.cli.refusals import line
from smsgw.cli.tools import Tools
from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.health import Disk, Kind
from smsgw.overview import Node, Overview, Sight, Stored

#: For the daemon's answer; its store has 1.5 s of this (`monitor.STORE_PATIENCE_SECONDS`).
DAEMON_SECONDS = 2.0
#: For a lock, for what is read, and for the child that does both.
LOCK_PATIENCE = timedelta(seconds=0.5)
READ_PATIENCE = timedelta(seconds=1)
CHILD_SECONDS = 2.0


class _Read(NamedTuple):
    """What was read of the database."""

    pid: int | None = None  #: of the daemon
    stored: Stored | None = None
    outbox: Outbox | None = None
    disk: Disk | None = None
    hour: tuple[int, int] | None = None
    faults: tuple[str, ...] = ()


def look(tools: Tools, *, hour: bool = False) -> Overview:
    """What there is to know, also where the database cannot be read.

    Args:
        hour: what came and went in the last hour is wanted.
    """
    tools.database  # noqa: B018 - a configuration with faults is said before anybody is asked
    told, silent = _ask(tools)
    if told is None:
        return _from_database(tools, silent=silent)
    if hour and Kind.STORE not in told.kinds:  # else its disk may stand still
        found = apart(partial(_hour, tools), CHILD_SECONDS)
        if found:
            return replace(told, mo_last_hour=found[0], mt_last_hour=found[1])
    return told


def _ask(tools: Tools) -> tuple[Overview | None, bool]:
    """What the daemon tells, and whether there is one that does not answer."""
    try:
        answer = tools.daemon.ask("status", patience=DAEMON_SECONDS)
        return (overview.told(answer) if answer else None), False
    except SilentDaemon:
        return None, True
    except (SmsgwError, KeyError, ValueError, TypeError):  # of another version, or a stranger's
        return None, False


def _from_database(tools: Tools, *, silent: bool) -> Overview:
    """What can be seen where no daemon answers.

    Args:
        silent: somebody listens, and does not answer.
    """
    read = apart(partial(_read, tools), CHILD_SECONDS)
    if read is None:
        what = "the server" if isinstance(tools.database, Server) else "its disk"
        read = _Read(faults=(f"{tools.database} cannot be read: {what} does not answer",))
    found = overview.overview(
        Sight(
            at=tools.now,
            settings=tools.settings,
            version=__version__,
            faults=read.faults,
            daemon=_daemon(tools, read, silent=silent),
            stored=read.stored,
            outbox=read.outbox,
            live=None,
            disk=read.disk,
        )
    )
    mo, mt = read.hour or (None, None)
    return replace(found, mo_last_hour=mo, mt_last_hour=mt)


def _daemon(tools: Tools, read: _Read, *, silent: bool) -> Node | None:
    """The daemon that runs here, as far as its last heartbeat tells."""
    if read.pid is None and not silent:
        return None
    beats = read.stored.beats if read.stored else ()
    for beat in beats:
        ours = beat.age is None or beat.node == tools.settings.gateway.node
        if (
            ours and beat.pid == read.pid and not beat.ended
        ):  # it holds the lock: no start of the machine ago
            return overview.node_of(beat, tools.now, clock.tick())
    # It has not begun to work: how long ago the last one did, tells how long nobody does.
    ages = [overview.age_of(beat, tools.now, None) for beat in beats]
    age = round(min(ages), 1) if ages else None
    return Node(tools.settings.gateway.node, read.pid or 0, "", None, age)


# --- in the child -------------------------------------------------------------------------------


def _read(tools: Tools) -> _Read:
    faults: list[str] = []
    stored = outbox = disk = None
    pid = tools.daemon.pid
    tools.patience, tools.asks_first = LOCK_PATIENCE, False
    try:
        with tools.store.deadline(READ_PATIENCE):
            stored = overview.read(tools.store)
            outbox = count_all(tools.store)
        with tools.store.transaction(keep=False):
            pass  # reading goes on beside a lock that the daemon waits for in vain
    except SmsgwError as fault:  # here it is an answer
        faults.append(line(fault))
    except OSError as fault:
        faults.append(f"{fault.filename or 'system'}: {fault.strerror or fault}")
    try:
        disk = overview.look_at_disk(tools.database)
    except OSError as fault:
        faults.append(f"{tools.files.parent}: {fault.strerror}")
    return _Read(pid, stored, outbox, disk, _hour(tools) if stored else None, tuple(faults))


def _hour(tools: Tools) -> tuple[int, int] | None:
    tools.patience, tools.asks_first = LOCK_PATIENCE, False
    with suppress(SmsgwError, OSError), tools.store.deadline(READ_PATIENCE / 2):
        return tools.store.count_since(tools.now - timedelta(hours=1))
    return None
