"""What a store does, whatever engine it has."""

import logging
from datetime import timedelta

import pytest

from smsgw.model import AccountState, Address, Direction, LinkState, MtState, Refused, Taken
from smsgw.store import Changes, Conflict, LinkCount, Stop, Unavailable
from tests.house import AN, NOON, TEXT, OneHash


def account(id_, cmnd, subscriber=1):
    """Changes that add it."""
    changes = Changes()
    changes.add_account(
        id_,
        at=1,
        subscriber=subscriber,
        cmnd=cmnd,
        name="An",
        birth_date="1990-02-01",
        state=AccountState.ISSUED,
        link="viettel",
        address=Address(AN, 1, 1),
        password_hash="hash",
        mt=1,
        expires=1,
    )
    return changes


def test_database_itself_keeps_one_open_account_for_a_cmnd_and_a_phone(store):
    with store.transaction():
        store.write(account(1, "201234567"))
    for other in (account(2, "201234567", subscriber=2), account(2, "201999999")):
        with pytest.raises(Conflict), store.transaction():
            store.write(other)
    assert 1 == store.last_ids()[1]


def test_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.set_fact("a", "b")
        store.wording("registered", "text")
        1 / 0  # noqa: B018
    assert store.fact("a") is None
    with store.transaction():
        store.wording("registered", "text")  # not remembered from the one that did not happen
    assert ["text"] == store.wordings()


def test_transaction_that_is_not_kept_leaves_nothing(store):
    with store.transaction(keep=False):
        store.set_fact("a", "b")
    assert store.fact("a") is None


def test_messages_since_a_time_are_found_through_the_first_id_of_its_hour(house, engine):
    times = []
    for n in range(6):
        house.text(AN, f"hallo {n}")
        times.append(house.now)
        house.later(minutes=25)
    for n, at in enumerate(times):
        assert 6 - n == len(house.store.messages(direction=Direction.MO, since=at))
        assert 5 - n == len(
            house.store.messages(direction=Direction.MO, since=at + timedelta(seconds=1))
        )
    assert 3 == engine.hours_known(house.store)


def test_messages_since_a_time_are_found_after_the_clock_was_set_back(house):
    house.text(AN, "first")
    house.later(hours=-1)
    house.text(AN, "second")
    found = house.store.messages(direction=Direction.MO, since=house.now)
    assert {"first", "second"} == {message.text for message in found}


def test_outbox_is_counted_in_pieces(house):
    for n in range(5):
        house.text(f"8490500000{n}", "hallo")
        house.later(minutes=1)
    house.settle(Refused(2, "no"), Taken(4, "7F"))
    first = LinkCount("viettel", 1, 0, 1, NOON + timedelta(minutes=2))
    second = LinkCount("viettel", 2, 0, 0, NOON + timedelta(minutes=3))
    assert ([first], 6) == house.store.count_outbox(0, 2)
    assert ([second], 10) == house.store.count_outbox(6, 2)
    assert ([], None) == house.store.count_outbox(10, 2)


def test_command_knows_how_many_texts_came_in_the_last_hour(house):
    house.text(AN, "hallo")
    assert (1, 1) == house.store.count_since(house.now - timedelta(hours=1))


def test_last_mt_is_when_an_smsc_took_one_and_not_when_it_was_made(house):
    house.text(AN, "hallo")
    assert (NOON, None) == house.store.last_times()
    house.later(minutes=3)
    house.settle(Taken(2, "7F"))
    assert (NOON, NOON + timedelta(minutes=3)) == house.store.last_times()


def test_next_try_of_what_waits_for_a_link_that_is_down_is_that_of_the_link(house):
    house.take(house.mo(AN, "hallo"), room=0)
    later = house.now + timedelta(seconds=40)
    with house.store.transaction():
        house.store.set_link("viettel", LinkState.WAITING, "refused", house.now, later)
    (reply,) = house.store.outbox()
    assert later == reply.next_try
    assert later == {link.name: link for link in house.store.links()}["viettel"].next_try
    with house.store.transaction():
        house.store.set_link("viettel", LinkState.BOUND, None, house.now)
    (reply,) = house.store.outbox()
    assert house.now == reply.next_try


def test_link_that_is_down_is_so_since_it_went_down_however_often_it_tried(house):
    for state in (LinkState.BOUND, LinkState.WAITING, LinkState.CONNECTING, LinkState.WAITING):
        house.later(minutes=1)
        with house.store.transaction():
            house.store.set_link("mobi", state, None, house.now)
    mobi = {link.name: link for link in house.store.links()}["mobi"]
    assert NOON + timedelta(minutes=2) == mobi.since


def test_accounts_are_listed_in_pieces_of_which_none_is_missed_or_told_twice(
    house, engine, monkeypatch
):
    engine.read_in_pieces_of(3, monkeypatch)
    house.gateway.tools.issuer = OneHash()
    for n in range(10):
        house.text(f"8490500000{n}", f"TK,Le Van C,20000000{n},01.01.1980")
        house.later(minutes=n // 5)  # some expire at the same moment
    everybody = [f"20000000{n}" for n in range(10)]
    assert everybody == [account.cmnd for account in house.store.accounts()]
    soon = house.now + timedelta(days=4)
    assert everybody == [a.cmnd for a in house.store.accounts(expiring_before=soon)]
    assert [] == list(house.store.accounts(state=AccountState.ACTIVE))


def test_days_of_the_statistics_are_local(house):
    house.later(hours=11, minutes=50)  # 23:50 in Da Nang
    house.text(AN, "hallo")
    house.later(minutes=20)
    house.text(AN, "hallo")
    counts = house.store.stats(None, house.settings.gateway.timezone)
    mo = [(c.day.isoformat(), c.outcome, c.count) for c in counts if c.direction == "mo"]
    assert [("2026-05-04", "syntax_error", 1), ("2026-05-05", "syntax_error", 1)] == mo


def test_writer_that_waits_for_another_in_vain_may_try_again(engine, store, tmp_path):
    other = engine.open(tmp_path, busy_timeout=timedelta(milliseconds=50))
    with store.transaction():
        store.set_fact("a", "mine")
        with pytest.raises(Unavailable), other.transaction():
            pass
    with other.transaction():
        assert "mine" == other.fact("a")
        other.set_fact("a", "yours")
    other.close()
    assert "yours" == store.fact("a")


def test_conflict_takes_the_whole_transaction_with_it_and_not_the_store(store):
    with store.transaction():
        store.write(account(1, "201234567"))
    with pytest.raises(Conflict), store.transaction():
        store.set_fact("a", "b")
        store.write(account(2, "201234567", subscriber=2))
    assert store.fact("a") is None
    with store.transaction():
        store.write(account(2, "201999999", subscriber=2))


def test_who_reads_what_cannot_be_read_is_told_so_in_terms_of_ours(engine, store):
    engine.break_reading(store)
    with pytest.raises(Unavailable):
        store.fact("a")
    with pytest.raises(Unavailable):
        store.outbox()


def test_link_stays_stopped_by_who_stopped_it_first_until_it_is_started(store):
    first, second = Stop(NOON, "linh", "their SMSC moves"), Stop(NOON, "root", None)
    with store.transaction():
        assert store.stop_link("viettel", first)
        assert not store.stop_link("viettel", second)
        assert store.stop_link("mobi", second)
    assert {"viettel": first, "mobi": second} == store.stopped_links()
    with store.transaction():
        assert store.start_link("viettel")
        assert not store.start_link("viettel")
    assert {"mobi": second} == store.stopped_links()


UNFIT = "a\0b\ud800c\udfffd"
KEPT = "a\ufffdb\ufffdc\ufffdd"


def test_what_no_engine_can_keep_is_replaced_and_the_rest_is_kept(house, caplog):
    """Refused, it would come again for ever."""
    # What the log says of it could not be passed on between the processes of the suite.
    caplog.set_level(logging.CRITICAL + 1, logger="smsgw")
    house.text("\0\ud800", UNFIT)
    house.text("\0\ud800", UNFIT)
    house.text(AN, TEXT)
    house.settle(Refused(6, UNFIT))
    house.hotline.close_account(AN, UNFIT, UNFIT, house.now)
    texts = house.store.messages(direction=Direction.MO)
    assert {KEPT, TEXT} == {message.text for message in texts}
    [closed] = [line for line in house.store.account_history(1) if line.reason == KEPT]
    assert KEPT == closed.actor
    assert KEPT in {line.who for line in house.store.audit()}
    with house.store.transaction():
        house.store.set_fact("a", UNFIT)
        house.store.park_receipt("viettel", UNFIT, UNFIT, MtState.FAILED, UNFIT, house.now, most=10)
    assert KEPT == house.store.fact("a")
    [early] = house.store.early_receipts(["viettel"], [UNFIT])
    assert (KEPT, KEPT, KEPT) == (early.smsc_id, early.phone, early.reason)
