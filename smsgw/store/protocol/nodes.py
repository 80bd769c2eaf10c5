"""What is asked about the machines that share a store. One that a process has to itself is asked
nothing of this."""

from collections.abc import Mapping
from typing import Protocol

from smsgw.store.values import Standby


class Nodes(Protocol):
    """The daemon of a node, and whoever looks at all of them."""

    @property
    def is_shared(self) -> bool:
        """Whether daemons of several nodes may use it."""

    def set_configuration(self, digest: str) -> None:
        """What must be the same on all nodes, told by this one."""

    def owners(self) -> Mapping[str, str]:
        """By link the node that has it; none: nobody has."""

    def want(self, link: str, node: str) -> bool:
        """Have *node* take a link from the one that has it; false: no node has ever had it."""

    def standby(self) -> Standby | None:
        """Whether what is committed is on another machine, too; None: the store is a file."""
