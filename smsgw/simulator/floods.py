"""What a hostile or broken SMSC pours over a gateway; each ends by itself.

To be called in the thread of the SMSC's loop, as its own verbs are.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator

from smsgw.simulator.smsc import Smsc
from smsgw.simulator.tricks import Odd
from smsgw.simulator.words import Delivery
from smsgw.smpp import codec
from smsgw.smpp.pdu import EnquireLink

#: What a flood leaves unread before it waits: a socket's worth, so that nothing piles up here.
FLOOD_OCTETS = 1 << 20


async def pour(
    smsc: Smsc, made: Iterable[Odd], per_second: float = 0, *, redeliver: bool = False
) -> list[Delivery]:
    """Hand over all that is *made*, so many a second; 0: as fast as the gateway reads.

    Returns when the last is handed over, not when it is answered.
    """
    begin = smsc.loop.time()
    handed = []
    for number, odd in enumerate(made):
        if per_second and (wait := begin + number / per_second - smsc.loop.time()) > 0:
            await asyncio.sleep(wait)
        while sum(session.backlog for session in smsc.bound) > FLOOD_OCTETS:
            await asyncio.sleep(0.001)
        handed.append(smsc.deliver(odd.pdu, redeliver=redeliver, tail=odd.tail))
        if not number % 64:
            await asyncio.sleep(0)  # answers are read meanwhile
    return handed


async def flap(smsc: Smsc, made: Iterator[Odd], seconds: float, at_once: int) -> int:
    """Whenever a gateway has bound, send so many at once and drop the line: how often."""
    end, times = smsc.loop.time() + seconds, 0
    while (left := end - smsc.loop.time()) > 0:
        try:
            await smsc.until(lambda: any(s.may_deliver for s in smsc.bound), left)
        except TimeoutError:
            break
        for odd in itertools.islice(made, at_once):
            smsc.deliver(odd.pdu, redeliver=False, tail=odd.tail)
        smsc.drop()
        times += 1
    return times


async def trickle(smsc: Smsc, octets: bytes, every: float) -> float:
    """Send *octets* one by one, to the newest session; the seconds until it was closed.

    Raises:
        TimeoutError: all were sent, and the gateway still waits for more.
    """
    session = smsc.bound[-1]
    begin = smsc.loop.time()
    for octet in octets:
        session.send_raw(bytes((octet,)))
        await asyncio.sleep(every)
        if session.closed:
            return smsc.loop.time() - begin
    raise TimeoutError(f"{len(octets)} octets, and the gateway still waits for more")


async def small_pdus(smsc: Smsc, seconds: float) -> int:
    """Send enquire_link after enquire_link, as fast as the gateway reads: how many."""
    end, count = smsc.loop.time() + seconds, 0
    pile = codec.encode(EnquireLink(1)) * 1000
    while smsc.loop.time() < end:
        for session in smsc.bound:
            if session.backlog < FLOOD_OCTETS:
                session.send_raw(pile)
                count += 1000
        await asyncio.sleep(0.001)
    return count
