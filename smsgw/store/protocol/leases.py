"""What is asked about leases: by the keeper, in its own session, and inside of a batch."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from smsgw.store.values import LeaseRow


class Leases(Protocol):
    """The keeper: who has which link. Each verb is a transaction of its own and raises
    `Unavailable` where the server does not answer in time; then the session is another one."""

    def look(self, names: Collection[str]) -> tuple[list[LeaseRow], list[tuple[str, int]]]:
        """The leases of these names, made where they are missing; and of each node that runs a
        number that grows while it lives."""

    def take(self, row: LeaseRow) -> int | None:
        """Have what stands just as *row*: its token; None: somebody was quicker."""

    def renew(self, tokens: Mapping[str, int]) -> set[str]:
        """Go on with these; those that are still ours."""

    def release(self, name: str, token: int) -> None:
        """Give one back, if it is still ours."""

    def forget_wish(self, row: LeaseRow) -> None:
        """The node that was to have *row* is gone: it stays with us."""

    def close(self) -> None:
        """End the session."""


class Fences(Protocol):
    """The daemon's thread, inside of a transaction: what is still ours. A store that one process
    has to itself is asked nothing of this."""

    @property
    def number(self) -> int:
        """Of this node, a small one that no other has; 0: there are no nodes."""

    @property
    def succeeds(self) -> bool:
        """Whether the process that was this node before is known to have ended."""

    @property
    def keys_version(self) -> int | None:
        """Another number whenever the data keys in the database are others, as of the beginning of
        the transaction; None: there is none."""

    def held(self) -> Mapping[str, int]:
        """Tokens of what this node has, as of the beginning of the transaction: nobody takes
        anything from a writer before that one has ended and another one can see it."""

    def taken_by_others(self) -> set[str]:
        """Links that other nodes have."""

    def is_configured_alike(self) -> bool:
        """Whether all nodes that live have the same configuration, in what concerns all."""

    def end_leases_of(self, link: str, now: datetime) -> None:
        """No memory holds any text of *link*: what waits for it is due now."""

    def end_leases_but(
        self, others: Iterable[str], now: datetime, latest: datetime, ends: datetime
    ) -> tuple[set[str], int]:
        """`Outbox.end_leases`, but for those of links of *others*: they were noted by other
        clocks."""
