"""The links of a configuration, as they are."""

from dataclasses import replace

from smsgw.carriers import Carriers
from smsgw.model import LinkState, LinkStatus
from smsgw.overview.nodes import lives, shared
from smsgw.overview.values import LinkRow, Sight
from smsgw.words import count


def link_rows(sight: Sight) -> list[LinkRow]:
    """The links of the configuration, in its order, then others that the store remembers."""
    carriers = {link.name: link.carrier for link in sight.settings.smsc}
    stored = {status.name: status for status in sight.stored.links} if sight.stored else {}
    waiting = sight.outbox.links if sight.outbox else {}
    known = Carriers(carriers, sight.stored.carriers if sight.stored else {})
    rows = [_row(sight, name, carrier, stored.get(name)) for name, carrier in carriers.items()]
    gone = [name for name in dict.fromkeys([*stored, *sorted(waiting)]) if name not in carriers]
    for name in gone:
        texts = waiting[name].queued if name in waiting else 0
        if texts or name in stored:
            row = _row(sight, name, known.of(name), stored.get(name))
            fate = _fate_of_gone(known, name, texts)
            rows.append(replace(row, state=LinkState.STOPPED, reason=fate))
    return rows


def _row(sight: Sight, name: str, carrier: str, stored: LinkStatus | None) -> LinkRow:
    waits = sight.outbox.links.get(name) if sight.outbox else None
    live = sight.live.get(name) if sight.live is not None else None
    row = LinkRow(
        name,
        LinkState.STOPPED,
        None,
        "never started",
        stored.mo if stored else 0,
        stored.mt if stored else 0,
        carrier,
        _node(sight, name),
        (waits.queued if waits else 0) if sight.outbox else None,
        oldest_due=waits.oldest_reply if waits else None,
        oddities=stored.oddities if stored else {},
    )
    if live:
        short, middle, long = (round(rate, 3) for rate in live.rates)
        return replace(
            row,
            state=live.state,
            since=live.since,
            reason=live.reason,
            mt_per_s_1m=short,
            mt_per_s_5m=middle,
            mt_per_s_15m=long,
            oddities=live.oddities,
            next_try=live.next_try,
        )
    if shared(sight):
        return _row_elsewhere(sight, row, stored)
    by_hand = sight.stored.stopped.get(name) if sight.stored and not sight.daemon else None
    if by_hand:
        # The daemon did not see it; or it was killed, and could not write down that it stopped.
        return replace(row, since=by_hand.at, reason=by_hand.told(sight.settings.gateway.timezone))
    if stored is None:
        return row
    if sight.daemon is None and stored.state != LinkState.STOPPED:
        # One that was killed could not write down that it stopped.
        return replace(row, reason="the daemon is not running")
    return _as_stored(row, stored)


def _node(sight: Sight, name: str) -> str | None:
    """Which one has the link."""
    if sight.stored and shared(sight):
        return sight.stored.owners.get(name)
    return sight.daemon.name if sight.daemon else None


def _row_elsewhere(sight: Sight, row: LinkRow, stored: LinkStatus | None) -> LinkRow:
    """A link of which only the database tells: what its node said last, while that lives."""
    by_hand = sight.stored.stopped.get(row.name) if sight.stored else None
    if by_hand:
        return replace(row, since=by_hand.at, reason=by_hand.told(sight.settings.gateway.timezone))
    since = stored.since if stored else None
    if row.node is None:
        return replace(row, state=LinkState.WAITING, since=since, reason="no node has it")
    if not lives(sight, row.node):
        silent = f"node {row.node}, which has it, is silent"
        return replace(row, state=LinkState.WAITING, since=since, reason=silent)
    if stored is None:
        return row
    return _as_stored(row, stored)


def _as_stored(row: LinkRow, stored: LinkStatus) -> LinkRow:
    return replace(
        row,
        state=stored.state,
        since=stored.since,
        reason=stored.reason,
        next_try=stored.next_try,
    )


def _fate_of_gone(carriers: Carriers, link: str, waiting: int) -> str:
    """What becomes of what waits for a link that is no longer configured."""
    if not waiting:
        return "not in the configuration"
    carrier = carriers.of(link)
    s = "s" if waiting == 1 else ""
    how = f"leave{s} by {' or '.join(carriers.links(carrier))}"
    if not carriers.links(carrier):
        how = f"wait{s}: no link of its carrier {carrier} is"
    return f"not in the configuration; {count(waiting, 'text')} {how}"
