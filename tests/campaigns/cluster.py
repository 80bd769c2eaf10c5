"""Two gateways on one PostgreSQL, and everything that befalls machines, under traffic.

    python -m tests.campaigns.cluster --failovers 20

Two daemons on hosts of their own (network namespaces), PostgreSQL with a synchronous standby under
Patroni, a carrier that allows one bind, citizens who register all the time. One thing after the
other happens to them (`CASES`); after each the carrier's view and the database are read:

    every text answered with status 0 is in the database once, its sender has one account, one reply
    nobody is told that an account exists without having been told its password
    the old owner of the link says nothing more once the new one has asked to bind
    no second session is bound beside the first
    the link has a new owner, and texts leave, in time

It prints a table, a row a case. Needs root, iproute2, iptables, etcd-server, postgresql and
python3-venv (and libfaketime for the clock); Patroni comes from PyPI, once, into --cache. Exit
status 0 if all of it held; else 1, with what did not, and the folder is kept.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smsgw.simulator import SmscThread
from tests.cluster import network
from tests.cluster.nodes import FAKETIME, Carrier, Node, Sight, now
from tests.cluster.rows import HEAD, Row, line
from tests.cluster.servers import TTL, Member, Servers, environment, until
from tests.ledger import ServerLedger
from tests.postgres import binaries
from tests.stage import verdict

PATIENCE = 120  # seconds; a deadline, not a delay
FULL = 8  # seconds that a disk stays so
_NEEDED = {
    "ip": "iproute2", "iptables": "iptables", "etcd": "etcd-server", "unshare": "util-linux",
    "setpriv": "util-linux",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One thing that happens.

    Attributes:
        act: does it, to the node that has the link; what it returns undoes it.
        prepare: comes before, and is not measured.
        moves: within how many seconds the other node's first text must come; None: the link stays.
        quiet: for how many seconds at most no text may leave.
        slips: replies may come twice.
    """

    name: str
    act: Callable[["Campaign", Node], Callable[[], None]]
    moves: float | None = None
    quiet: float = 60
    slips: bool = True
    prepare: Callable[["Campaign", Node], None] | None = None


class Campaign:
    def __init__(self, folder: Path, programs: Path, lease: int) -> None:
        self.folder = folder
        self.lease = lease
        self.rows: list[Row] = []
        self.faults: list[str] = []
        network.make_switch()
        self.servers = Servers(folder, programs)
        self.smsc = SmscThread(
            host=network.SWITCH, one_bind=True, response_timeout=60, retry_delay=0.3
        ).start()
        self.nodes = [
            Node(network.Host(name, 10 + n), folder, self.smsc, self.servers.url, lease)
            for n, name in enumerate("ab", 1)
        ]
        self.carrier = Carrier(self.smsc, per_second=20)
        self._told = 0  #: citizens of the cases before

    def begin(self) -> None:
        first, second = self.nodes
        first.start()
        first.running().until(lambda: self.smsc.bound, PATIENCE, "a bind")
        second.start()
        self.both_live()

    def both_live(self) -> None:
        """Wait until each node's row is that of the process that runs now."""

        def pids() -> dict[str, int]:
            with self.servers.connect() as db:
                return dict(db.execute("SELECT name, pid FROM nodes WHERE ended = 0").fetchall())

        until(
            lambda: pids() == {node.host.name: node.running().pid for node in self.nodes},
            "both nodes",
        )

    def owner(self) -> Node:
        until(lambda: self.carrier.owner(), "a bound session")
        return next(node for node in self.nodes if node.host.name == self.carrier.owner())

    def other(self, node: Node) -> Node:
        return next(each for each in self.nodes if each is not node)

    # --- one case ---

    def play(self, case: Case) -> None:
        first = len(self.carrier.handles)
        with self.carrier.traffic():
            self._texts_leave(len(self.carrier.records()))
            old = self.owner()
            if case.prepare:
                case.prepare(self, old)
            since, at = len(self.carrier.records()), now()
            undo = case.act(self, old)
            try:
                self._wait(case, old, since)
            except TimeoutError as late:
                self.faults.append(f"{case.name}: {late}")
            finally:
                undo()
            sight = self.carrier.sight(since, at, old.host.name)
            self._texts_leave(len(self.carrier.records()))
        self.both_live()
        row = self._count(case, old, first, sight)
        self._judge(case, row)
        self.rows.append(row)
        print(line(row), flush=True)

    def _wait(self, case: Case, old: Node, since: int) -> None:
        new = self.other(old) if case.moves is not None else old
        until(lambda: self.carrier.texts_of(new.host.name, since), f"texts of {new.host.name}")
        if case.moves is None:
            self._texts_leave(len(self.carrier.records()))

    def _texts_leave(self, since: int) -> None:
        """Wait until the link sends, whoever has it."""
        until(
            lambda: any(self.carrier.texts_of(node.host.name, since) for node in self.nodes),
            "texts",
        )

    def _count(self, case: Case, old: Node, first: int, sight: Sight) -> Row:
        """Let everything arrive, then read the ledger."""
        ours = dict(list(self.carrier.handles.items())[first:])
        ledger = ServerLedger(self.servers)
        try:
            for handle in ours.values():
                handle.settled(timeout=PATIENCE)
            until(lambda: not ledger.waiting(), "an empty outbox")
        except TimeoutError as late:
            self.faults.append(f"{case.name}: {str(late)[:300]}")
        texts = Counter(phone for phone, _ in ledger.texts().elements())
        accounts = Counter(account[0] for account in ledger.accounts())
        replies = Counter(
            f"+{submit.destination.number}" for submit in self.smsc.submits if not submit.status
        )
        outcomes = ledger.outcomes()
        return Row(
            case.name, old.host.name, sight, len(ours),
            lost=sum(texts[p] == 0 or accounts[p] == 0 or replies[p] == 0 for p in ours),
            twice=sum(texts[p] > 1 or accounts[p] > 1 for p in ours),
            already=outcomes.total() - outcomes["registered"] - outcomes["retransmission"],
            again=sum(replies[p] > 1 for p in ours),
        )  # fmt: skip

    def _judge(self, case: Case, row: Row) -> None:
        sight = row.sight
        wrong = {
            "lost": row.lost,
            "registered twice": row.twice,
            "already registered": row.already,
            "texts of the old owner after the new one asked": sight.after,
            "second binds": sight.beside,
            "replies came twice": 0 if case.slips else row.again,
            f"the new owner's first text after {case.moves} s": (
                case.moves is not None and (sight.first is None or sight.first > case.moves)
            ),
            f"no text for more than {case.quiet} s": sight.silence > case.quiet,
        }
        row.faults = [f"{case.name}: {what}: {n}" for what, n in wrong.items() if n]
        self.faults += row.faults

    # --- the end ---

    def end(self) -> None:
        self.carrier.end()
        for node in self.nodes:
            if node.daemon is not None:
                node.thaw()
                node.running().terminate(PATIENCE)
            self.faults += node.tracebacks()
        self.smsc.close()
        self.servers.end()


# --- what happens to a node ---


def clean_stop(campaign: Campaign, node: Node) -> Callable[[], None]:
    node.running().terminate(PATIENCE)
    return node.start


def kill(campaign: Campaign, node: Node) -> Callable[[], None]:
    node.running().kill()
    return node.start


def freeze(campaign: Campaign, node: Node) -> Callable[[], None]:
    node.freeze()
    return node.thaw


def freeze_beside(campaign: Campaign, node: Node) -> Callable[[], None]:
    """The carrier lets the other one bind at once: nothing but the lease holds the first back."""
    campaign.smsc.manners.one_bind = False
    node.freeze()

    def undo() -> None:
        node.thaw()
        campaign.smsc.manners.one_bind = True

    return undo


def cut(*, database: bool, smsc: bool, inward: bool = True, outward: bool = True):
    """The node's network, in one direction or both."""

    def act(campaign: Campaign, node: Node) -> Callable[[], None]:
        servers = [member.host.address for member in campaign.servers.members]
        places = [*(servers if database else []), *([network.SWITCH] if smsc else [])]
        node.host.cut(*places, inward=inward, outward=outward)
        return node.host.mend

    return act


def wrong_clock(campaign: Campaign, node: Node) -> None:
    """The other one comes back with a clock an hour ahead."""
    other = campaign.other(node)
    other.running().terminate(PATIENCE)
    other.start(wrong_by="+1h")
    campaign.both_live()


# --- what happens to the database ---


def _came_back(campaign: Campaign, member: Member) -> Callable[[], None]:
    def undo() -> None:
        if member.gone:
            member.start()
        campaign.servers.whole()

    return undo


def _primary(campaign: Campaign) -> Member:
    member = campaign.servers.primary
    assert member is not None
    return member


def kill_primary(campaign: Campaign, node: Node) -> Callable[[], None]:
    member = _primary(campaign)
    member.kill_server()
    until(lambda: campaign.servers.primary not in (None, member), "a new primary")
    return _came_back(campaign, member)


def lose_primary(campaign: Campaign, node: Node) -> Callable[[], None]:
    member = _primary(campaign)
    member.kill()
    until(lambda: campaign.servers.primary not in (None, member), "a new primary")
    return _came_back(campaign, member)


def switch_over(campaign: Campaign, node: Node) -> Callable[[], None]:
    member = _primary(campaign)
    campaign.servers.switch_over()
    return _came_back(campaign, member)


def lose_standby(campaign: Campaign, node: Node) -> Callable[[], None]:
    member = campaign.servers.standby
    member.kill()
    until(lambda: not campaign.servers.waits(), "Patroni to go on without it")
    return _came_back(campaign, member)


def fill_disk(campaign: Campaign, node: Node) -> Callable[[], None]:
    member = _primary(campaign)
    member.fill_disk()
    until(lambda: member.role() != "primary" or not campaign.servers.takes(), "a full disk", 60)
    time.sleep(FULL)
    member.free_disk()
    return _came_back(campaign, member)


def cases(lease: int, failovers: int) -> Iterator[Case]:
    """In order. A link must move within a lease and two seconds, and within one at a clean stop."""
    late = lease + 2
    yield Case("clean stop", clean_stop, moves=1, slips=False)
    yield Case("kill -9", kill, moves=late)
    yield Case("SIGSTOP past the lease, and back", freeze, moves=late + 4)
    yield Case("the same, the carrier allows two binds", freeze_beside, moves=late)
    yield Case("cut from the database", cut(database=True, smsc=False), moves=late)
    yield Case("… to it only", cut(database=True, smsc=False, inward=False), moves=late)
    yield Case("… from it only", cut(database=True, smsc=False, outward=False), moves=late)
    yield Case("cut from everything", cut(database=True, smsc=True), moves=late + 4)
    if FAKETIME.exists():
        yield Case(
            "kill -9, the other's clock an hour ahead", kill, moves=late, prepare=wrong_clock
        )
        yield Case("kill -9 of the one with that clock", kill, moves=late)
    for _ in range(failovers):
        yield Case("kill -9 of the primary", kill_primary)
    yield Case("switchover", switch_over)
    yield Case("machine of the standby gone", lose_standby)
    yield Case("disk of the primary full", fill_disk)
    yield Case("machine of the primary gone", lose_primary, quiet=TTL + 40)


def missing() -> list[str]:
    """What has to be installed first."""
    if os.geteuid() != 0:
        return ["root"]
    packages = {package for program, package in _NEEDED.items() if not shutil.which(program)}
    if binaries() is None:
        packages.add("postgresql")
    return sorted(packages)


@contextmanager
def staged(folder: Path, programs: Path, lease: int) -> Iterator[Campaign]:
    campaign = Campaign(folder, programs, lease)
    try:
        campaign.begin()
        yield campaign
    finally:
        campaign.end()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--failovers", type=int, default=3, help="kill -9 of PostgreSQL so often")
    parser.add_argument("--lease", type=int, default=10, help="seconds")
    parser.add_argument("--only", action="append", help="cases whose name has this in it")
    parser.add_argument("--cache", type=Path, default=Path("/var/cache/smsgw-cluster"))
    options = parser.parse_args()
    if lacks := missing():
        print(f"not here: {', '.join(lacks)}; apt install what is missing, and be root")
        return 1
    try:
        programs = environment(options.cache)
    except RuntimeError as fault:
        print(f"no Patroni, which comes from PyPI: {str(fault)[-300:]}")
        return 1
    if not network.enclosed():
        return network.enclose()
    folder = Path(tempfile.mkdtemp(prefix="smsgw-cluster-", dir="/tmp"))
    folder.chmod(0o755)
    faults: list[str] = []
    print(HEAD, flush=True)
    print("|---" * (HEAD.count("|") - 1) + "|", flush=True)
    with staged(folder, programs, options.lease) as campaign:
        faults = campaign.faults
        for case in cases(options.lease, options.failovers):
            if not options.only or any(words in case.name for words in options.only):
                campaign.play(case)
    print(f"{campaign.carrier.people} citizens, {len(faults)} faults")
    return verdict(faults, folder)


if __name__ == "__main__":
    sys.exit(main())
