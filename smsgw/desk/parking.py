"""Registrations that wait for a password, in turn; who would wait too long is told at once."""

from collections.abc import Callable, Sequence

from smsgw.desk.pending import Arrival
from smsgw.passwords import Stock
from smsgw.turns import Turns

#: Who would wait longer than this for a password is told *later* at once.
LONGEST_WAIT_SECONDS = 5.0


class Parking:
    """Where texts stand between a batch that had no password for them and the next that has."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._turns: Turns[Arrival] = Turns()

    def __len__(self) -> int:
        return len(self._turns)

    def release(self, promised: int) -> list[Arrival]:
        """Those whose turn it is, one for each password that is not *promised* to another."""
        if not self._turns:
            return []
        return self._turns.take(max(0, len(self._stock) - promised))

    def park(self, arrivals: Sequence[tuple[int, Arrival]], released: int) -> list[Arrival]:
        """Let these, each with its place in the batch, wait; the first *released* had their turn.

        Returns:
            Those who would wait too long at the pace of the hashers: the SMSC sends their texts
            again, and the others wait less.
        """
        self._turns.put_back([arrival for place, arrival in arrivals if place < released])
        for place, arrival in arrivals:
            if place >= released:
                self._turns.add(arrival)
        shed = self._turns.shed(max(1, int(self._stock.rate * LONGEST_WAIT_SECONDS)))
        self._stock.wanted(len(self._turns))
        return shed

    def no_more_come(self) -> None:
        """No batch lacked passwords: the hashers need not hurry where nobody waits."""
        if not self._turns:
            self._stock.wanted(0)

    def end(self, session: int, heir: Callable[[Arrival], Arrival | None]) -> None:
        """That session is gone; *heir* says who takes the place of each that came by it."""
        if self._turns:
            self._turns.end(session, heir)
            self._stock.wanted(len(self._turns))
