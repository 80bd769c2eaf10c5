"""The desk while nobody knows whether its batch is on the disk.

The store is an SQLite file whose transaction says so when it is over, as a server's does whose
connection was lost in COMMIT: `doubt(house, happened)`.
"""

import asyncio
from contextlib import contextmanager

from smsgw.desk import doubt as doubt_module
from smsgw.model import Answer, Outcome, Receipt, Taken
from smsgw.store import InDoubt, Unavailable
from tests.house import AN, BINH
from tests.test_desk import PATIENCE, at_the_desk, committed


def doubt(house, happened, known_after=0):
    """Let the next batch be in doubt, and it be known whether it *happened* at the question after
    *known_after* others."""
    store = house.store
    transaction, asked = store.transaction, []

    @contextmanager
    def once(**options):
        if not options.get("asks"):
            with transaction(**options):
                yield
            return
        store.transaction = transaction
        with transaction(keep=happened):
            yield
        raise InDoubt("the connection was lost")

    def resolve():
        asked.append(1)
        if len(asked) <= known_after:
            raise Unavailable("nobody answers")
        return happened

    store.transaction, store.resolve = once, resolve
    return asked


@at_the_desk
async def test_text_that_was_stored_is_answered_once_that_is_known(desk, port, house):
    asked = doubt(house, happened=True)
    desk.received(port, house.mo(AN, "xin chao"), 1)
    await port.until(lambda: 1 in port.answers)
    assert Answer.OK is port.answers[1]
    assert [1] == asked
    assert 1 == len(port.sent)
    assert desk.trouble is None
    assert 1 == desk.outcomes[Outcome.SYNTAX_ERROR]


@at_the_desk
async def test_text_that_was_not_stored_has_its_turn_again(desk, port, house):
    doubt(house, happened=False)
    desk.received(port, house.mo(AN, "xin chao"), 1)
    await port.until(lambda: 1 in port.answers)
    assert Answer.OK is port.answers[1]
    assert 1 == len(port.sent)
    assert 1 == desk.outcomes[Outcome.SYNTAX_ERROR]


@at_the_desk
async def test_until_it_is_known_others_are_wanted_later_and_copies_wait(desk, port, house):
    doubt_module.ASK_SECONDS, before = 0.05, doubt_module.ASK_SECONDS
    try:
        asked = doubt(house, happened=True, known_after=3)
        desk.received(port, house.mo(AN, "xin chao"), 1)
        desk.turn()
        desk.received(port, house.mo(BINH, "hallo"), 2)  # comes before the doubt does
        await port.until(lambda: 2 in port.answers)
        assert Answer.LATER is port.answers[2]
        assert desk.trouble
        # However much comes, the store is asked.
        assert Answer.LATER is desk.received(port, house.mo(BINH, "hallo"), 3)
        receipt = Receipt("viettel", "7F", None, "", house.mo(AN, "").sender)
        assert Answer.LATER is desk.receipt(port, receipt, 4, 1)
        assert desk.received(port, house.mo(AN, "xin chao"), 5) is None
        assert not {1, 5} & set(port.answers)
        await port.until(lambda: {1, 5} <= set(port.answers))
        assert {Answer.OK} == {port.answers[1], port.answers[5]}
        assert 4 == len(asked)
        assert 1 == len(port.sent)
    finally:
        doubt_module.ASK_SECONDS = before


@at_the_desk
async def test_what_the_smsc_said_is_offered_again_where_it_was_not_stored(desk, port, house):
    desk.received(port, house.mo(AN, "xin chao"), 1)
    await port.until(lambda: port.sent)
    doubt(house, happened=False)
    desk.settled(Taken(port.sent[0].id, "7F"), "viettel")
    async with asyncio.timeout(PATIENCE):
        while committed(house, "SELECT count(*) FROM sent") == 0:
            await asyncio.sleep(0.01)
    assert 0 == committed(house, "SELECT count(*) FROM outbox")
