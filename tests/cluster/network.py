"""Hosts in network namespaces of their own, on one switch, and what cuts them off.

All of it lives in namespaces of the campaign's own process (`enclosed`), and ends with it: nothing
is left on the machine, whatever ends the campaign.
"""

import os
import subprocess
import sys
from pathlib import Path

SWITCH = "10.77.0.1"  #: the campaign itself: SMSC and etcd
_INSIDE = "SMSGW_CLUSTER_INSIDE"
_NSENTER = ("nsenter", "--net")


def run(*command: str, check: bool = True) -> str:
    """The output of a command that is expected to end well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def enclosed() -> bool:
    """Whether this process stands in namespaces of its own already."""
    return _INSIDE in os.environ


def enclose() -> int:
    """Run the same command again in namespaces of its own; its exit status."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    again = [sys.executable, "-m", "tests.campaigns.cluster", *sys.argv[1:]]
    # The first process there must bury the orphans: Patroni takes a dead server for a living one
    # until somebody has.
    init = ["bash", "-c", '"$@"; exit $?', "init"]
    environment = {**os.environ, _INSIDE: "1"}
    return subprocess.run([*command, *init, *again], env=environment, check=False).returncode


def make_switch() -> None:
    names = Path("/run/netns")
    names.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", str(names))  # seen by nobody else
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "switch", "type", "bridge")
    run("ip", "address", "add", f"{SWITCH}/24", "dev", "switch")
    run("ip", "link", "set", "switch", "up")


class Host:
    """A machine: what runs there sees its one network card alone."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.address = f"10.77.0.{number}"
        run("ip", "netns", "add", name)
        wire = f"w-{name}"
        run("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", wire, "master", "switch", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        for card in ("lo", "eth0"):
            self.run("ip", "link", "set", card, "up")

    def command(self, *command: str) -> list[str]:
        """*command*, to be run there; the process stays the same."""
        return [f"{_NSENTER[0]}", f"{_NSENTER[1]}=/run/netns/{self.name}", *command]

    def run(self, *command: str) -> str:
        return run(*self.command(*command))

    def cut(self, *addresses: str, inward: bool = True, outward: bool = True) -> None:
        """Drop what comes from *addresses*, what goes there, or both, without a word to anybody."""
        for address in addresses:
            if inward:
                self.run("iptables", "-A", "INPUT", "-s", address, "-j", "DROP")
            if outward:
                self.run("iptables", "-A", "OUTPUT", "-d", address, "-j", "DROP")

    def mend(self) -> None:
        self.run("iptables", "-F")
