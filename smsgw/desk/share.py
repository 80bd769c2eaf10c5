"""What of all that waits is the next batch, so that nobody waits behind all that another sent."""

from collections import deque

from smsgw.desk.pending import Arrival

#: More in one transaction would make the first wait for the last: so many texts, or receipts, take
#: some 10 ms.
MAX_BATCH = 600
MAX_RECEIPTS = 200
#: And so many octets: a text of 2,000 characters takes as long to read as twenty short ones.
MAX_BATCH_OCTETS = 64 * 1024


def share(arrivals: list[Arrival], released: int) -> tuple[list[Arrival], list[Arrival]]:
    """What of *arrivals* is the next batch, and what waits for a later one.

    Where they are too many, or too long, for one batch, links have their turns, so that nobody
    waits behind all that one of them sent.

    Args:
        released: so many of the first come before all others.
    """
    if len(arrivals) <= MAX_BATCH and sum(a.octets for a in arrivals) <= MAX_BATCH_OCTETS:
        return arrivals, []
    queues: dict[str, deque[Arrival]] = {}
    for arrival in arrivals[released:]:
        queues.setdefault(arrival.link, deque()).append(arrival)
    batch = arrivals[: min(released, MAX_BATCH)]
    room, octets = MAX_BATCH - len(batch), MAX_BATCH_OCTETS
    while room > 0 and octets > 0 and queues:
        for link, queue in list(queues.items()):
            batch.append(first := queue.popleft())
            room, octets = room - 1, octets - first.octets
            if not queue:
                del queues[link]
    taken = {id(arrival) for arrival in batch}
    return batch, [arrival for arrival in arrivals if id(arrival) not in taken]
