"""What waits to be sent: by which link it leaves, until when, and what is held."""

import logging
from datetime import timedelta

import pytest

from smsgw.census import count_all
from smsgw.clock import unstamp
from smsgw.gateway import GIVE_UP_AFTER, MOST_UNANSWERED
from smsgw.model import MtState, Postponed, Taken, Unanswered
from smsgw.store import STEP
from tests.budget import BUDGET_MS, cost_ms
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House, password_in

TTL = timedelta(days=3)


def unanswered(mt_id, *, link_lost=False):
    return Unanswered(mt_id, "no answer to submit_sm in 10 s", link_lost)


def register(house, link="viettel", room=0):
    """A citizen registers by *link*; whose reply waits in the outbox, if there is no room."""
    return house.take(house.mo(AN, TEXT, link=link), room=room)


def swallow(house, link="viettel", times=MOST_UNANSWERED):
    """The SMSC takes whatever is due, and says nothing, so often; how often it was asked."""
    asked = 0
    for _ in range(times):
        mts = house.claim(link).mts
        asked += len(mts)
        house.settle(*(unanswered(mt.id) for mt in mts), link=link)
        house.later(minutes=11)
    return asked


def stand_in(house, able, spared=()):
    moved = house.gateway.stand_in(able, spared, house.now)
    return sorted(moved.links), moved.more


# --- an SMSC that takes and never answers -------------------------------------------------------


def test_text_that_is_never_answered_is_sent_three_times_and_then_held(house):
    register(house)
    assert MOST_UNANSWERED == swallow(house, times=100)
    (reply,) = house.store.outbox()
    assert (MtState.QUEUED, None) == (reply.state, reply.next_try)
    assert "held" in reply.reason
    assert "outbox retry" in reply.reason
    assert 1 == count_all(house.store).held


def test_tries_that_a_lost_link_left_unanswered_hold_nothing(house):
    register(house)
    for _ in range(10):
        (mt,) = house.claim().mts
        house.settle(unanswered(mt.id, link_lost=True))
        house.later(minutes=11)
    assert 1 == len(house.claim().mts)


def test_other_tries_between_do_not_make_unanswered_ones_undone(house):
    register(house)
    for _ in range(MOST_UNANSWERED):
        (mt,) = house.claim().mts
        house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
        house.later(minutes=11)
        (mt,) = house.claim().mts
        house.settle(unanswered(mt.id))
        house.later(minutes=11)
    assert [] == house.claim().mts


def test_new_bind_sends_what_was_held_once_more(house):
    register(house)
    swallow(house)
    assert house.gateway.release_held("viettel", house.now)
    assert not house.gateway.release_held("viettel", house.now)
    (mt,) = house.claim().mts
    house.settle(unanswered(mt.id))
    house.later(minutes=11)
    assert [] == house.claim().mts
    assert 1 == count_all(house.store).held


def test_new_bind_of_another_link_sends_nothing_that_is_held(house):
    register(house)
    swallow(house)
    assert not house.gateway.release_held("mobi", house.now)
    assert [] == house.claim().mts


def test_hotline_may_send_what_is_held(house):
    (mt,) = register(house, room=1).replies
    house.settle(unanswered(mt.id))
    house.later(minutes=11)
    swallow(house, times=MOST_UNANSWERED - 1)
    house.hotline.retry(mt.id, "lan", house.now)
    assert MOST_UNANSWERED == swallow(house, times=10)


def test_late_answer_ends_the_wait_of_a_held_text(house):
    (mt,) = register(house, room=1).replies
    house.settle(unanswered(mt.id))
    swallow(house)
    house.settle(Taken(mt.id, "late"))
    assert [MtState.SENT] == house.states()
    assert 0 == count_all(house.store).held


def test_held_text_is_given_up_after_a_day(house):
    register(house)
    swallow(house)
    house.later(hours=24)
    house.gateway.tidy(house.now)
    (reply,) = house.store.outbox()
    assert MtState.FAILED is reply.state
    assert reply.reason.startswith("given up after 24 hours; last: held")


def test_held_text_survives_a_restart_and_is_sent_by_the_bind_that_follows(house):
    register(house)
    swallow(house)
    house.restart()
    (mt,) = house.claim().mts
    house.settle(unanswered(mt.id))
    house.later(minutes=11)
    assert [] == house.claim().mts


# --- links of one carrier stand in for one another ----------------------------------------------


def test_text_of_a_link_that_is_down_leaves_by_another_of_its_carrier(house):
    house.configure(a="viettel", b="viettel", c="mobi")
    register(house, "a")
    assert (["b"], False) == stand_in(house, {"b", "c"})
    assert 1 == len(house.claim("b").mts)


def test_text_never_leaves_by_another_carrier(house):
    house.configure(a="viettel", c="mobi")
    register(house, "a")
    assert ([], False) == stand_in(house, {"c"})
    assert 1 == len(house.claim("a").mts)


def test_text_of_a_link_that_is_down_for_a_moment_stays(house):
    house.configure(a="viettel", b="viettel")
    register(house, "a")
    assert ([], False) == stand_in(house, {"b"}, spared={"a"})


def test_text_whose_next_try_is_far_leaves_at_once_by_another_link(house):
    house.configure(a="viettel", b="viettel")
    (mt,) = register(house, "a", room=1).replies
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False), link="a")
    stand_in(house, {"b"})
    assert 1 == len(house.claim("b").mts)


def test_held_text_does_not_leave_by_another_link(house):
    house.configure(a="viettel", b="viettel")
    register(house, "a")
    swallow(house, "a")
    assert ([], False) == stand_in(house, {"b"})


def test_many_texts_change_their_link_in_steps(house):
    house.configure(a="viettel", b="viettel")
    count = STEP + 1
    texts = [house.mo(f"84905{n:06}", "hallo", link="a") for n in range(count)]
    house.take(*texts, room=0)
    assert (["b"], True) == stand_in(house, {"b"})
    assert (["b"], False) == stand_in(house, {"b"})
    assert count == len(house.claim("b", room=1000).mts)


def test_a_step_costs_little_however_many_texts_wait(house):
    house.configure(a="viettel", b="viettel")
    for start in range(0, 5000, 1000):
        texts = [house.mo(f"84905{start + n:06}", "hallo", link="a") for n in range(1000)]
        house.take(*texts, room=0)
    assert cost_ms(lambda: house.store.links_in_outbox()) < 1
    assert cost_ms(lambda: stand_in(house, {"b"})) < BUDGET_MS


def test_text_of_a_link_that_is_gone_leaves_by_another_of_its_carrier(house):
    house.configure(a="viettel", b="viettel", c="mobi")
    register(house, "a")
    house.configure(c="mobi", b="viettel")
    assert (["b"], False) == stand_in(house, {"b", "c"})


def test_text_of_a_carrier_that_is_gone_waits_and_a_new_link_of_it_takes_it_up(house):
    house.configure(a="viettel", b="mobi", c="vina")
    register(house, "a")
    house.configure(b="mobi", c="vina")
    assert ([], False) == stand_in(house, {"b", "c"})
    assert {"a": 1} == house.store.waiting_by_link()
    house.configure(b="mobi", d="viettel")
    assert (["d"], False) == stand_in(house, {"b", "d"})


def test_new_link_may_take_the_name_of_a_gone_one_as_its_carrier(house):
    register(house, "viettel")
    house.configure(new="viettel", mobi="mobi")
    assert (["new"], False) == stand_in(house, {"new", "mobi"})


def test_one_carrier_alone_is_everybodys(house):
    house.configure(a="viettel", b="mobi")
    register(house, "a")
    house.configure(b="mobi")
    assert (["b"], False) == stand_in(house, {"b"})


REMINDERS = {
    "its own link": ({"a": "viettel", "b": "viettel", "c": "mobi"}, "a"),
    "another of its carrier": ({"c": "mobi", "b": "viettel"}, "b"),
    "none, and it waits": ({"c": "mobi", "d": "vina"}, "a"),
    "the only carrier's": ({"c": "mobi"}, "c"),
}


@pytest.mark.parametrize(("links", "way"), REMINDERS.values(), ids=REMINDERS)
def test_reminder_leaves_by_the_link_of_the_account_or_of_its_carrier(house, links, way):
    house.configure(a="viettel", b="viettel", c="mobi")
    register(house, "a", room=1)
    house.take_all("a")
    house.configure(**links)
    house.later(days=3)
    assert {way} == house.gateway.expire(house.now).links
    assert 1 == house.store.waiting_by_link()[way]


# --- until when a text is worth sending -----------------------------------------------------------


def test_text_with_a_password_is_worth_sending_until_that_lapses(house):
    (mt,) = register(house, room=1).replies
    assert house.now + TTL == mt.valid_until
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.later(minutes=5)
    (again,) = house.claim().mts
    assert mt.valid_until == again.valid_until == house.account().password_expires_at


def test_text_without_a_password_is_worth_sending_for_a_day(house):
    (mt,) = house.take(house.mo(AN, "hallo")).replies
    assert house.now + GIVE_UP_AFTER == mt.valid_until
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.later(minutes=5)
    assert mt.valid_until == house.claim().mts[0].valid_until


def test_reminder_is_worth_sending_until_its_own_password_lapses(house):
    register(house, room=1)
    house.take_all()
    house.later(days=3, hours=1)
    house.gateway.expire(house.now)
    (mt,) = house.claim().mts
    assert house.now + TTL == mt.valid_until


def test_password_that_has_lapsed_is_not_sent(tmp_path):
    house = House(tmp_path, registration={"password_ttl": "2h"})
    register(house)
    house.later(hours=2)
    assert [] == house.claim().mts
    assert [] == house.store.outbox()
    assert [MtState.CANCELLED] == house.states()
    house.gateway.expire(house.now)
    (mt,) = house.claim().mts
    assert mt.text.startswith("Mat khau cu da het han.")
    house.store.close()


# --- the carrier refuses our short code ---------------------------------------------------------


def test_text_refused_for_our_short_code_is_not_lost(house):
    (mt,) = register(house, room=1).replies
    for _ in range(20):
        house.settle(Postponed(mt.id, "ESME_RINVSRCADR (0x0000000A)", False, barred=True))
        house.later(seconds=20)  # when the link asks again
        (mt,) = house.claim().mts
    assert house.store.outbox()[0].tries == 1
    house.settle(Taken(mt.id, "1"))
    assert [MtState.SENT] == house.states()


def test_text_refused_for_our_short_code_is_given_up_after_a_day(house):
    (mt,) = register(house, room=1).replies
    house.settle(Postponed(mt.id, "ESME_RINVSRCADR (0x0000000A)", False, barred=True))
    house.later(hours=24)
    house.gateway.tidy(house.now)
    assert [MtState.FAILED] == house.states()


# --- a clock that was ahead -----------------------------------------------------------------------


def ahead(house, **delta):
    """The clock is wrong for a while: whatever is done inside is done then."""
    wrong = timedelta(**delta)

    class Wrong:
        def __enter__(self):
            house.now += wrong

        def __exit__(self, *_):
            house.now -= wrong

    return Wrong()


def test_next_try_of_a_clock_that_was_ahead_is_set_back_and_told(house, caplog):
    with ahead(house, days=30):
        (mt,) = register(house, room=1).replies
        house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    with caplog.at_level(logging.WARNING):
        assert house.now == house.claim().next_due
    (again,) = house.claim().mts
    assert password_in(mt.text) == password_in(again.text)
    assert "the clock was set back: 1 texts of link=viettel" in caplog.text


def test_next_try_of_a_wrong_clock_is_found_behind_right_ones(house):
    with ahead(house, days=30):
        (mt,) = register(house, room=1).replies
        house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    (other,) = house.take(house.mo(BINH, OTHER_TEXT)).replies
    house.settle(Postponed(other.id, "ESME_RSYSERR", throttled=False))
    house.claim()
    assert [mt.id] == [each.id for each in house.claim().mts]


def test_held_text_is_not_taken_for_one_of_a_wrong_clock(house):
    register(house)
    swallow(house)
    assert None is house.claim().next_due
    assert [] == house.claim().mts


def test_text_of_a_wrong_clock_lives_a_day_from_now(house):
    with ahead(house, days=30):
        register(house)
    house.claim()
    (mt,) = house.claim().mts
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.later(hours=24)
    house.gateway.tidy(house.now)
    assert [MtState.FAILED] == house.states()


def test_lease_of_a_wrong_clock_ends(house, caplog):
    with ahead(house, days=30):
        register(house, room=1)
    house.gateway.tidy(house.now)
    assert "so were 1 leases" in caplog.text
    house.later(minutes=10)
    house.gateway.tidy(house.now)
    assert 1 == len(house.claim().mts) + len(house.claim().mts)


def test_lease_is_not_shortened_by_a_clock_that_is_right(house, caplog):
    register(house, room=1)
    house.gateway.tidy(house.now - timedelta(seconds=30))
    assert "clock" not in caplog.text


def test_password_of_a_wrong_clock_lapses_with_its_time_from_now(house, caplog):
    with ahead(house, days=30):
        register(house, room=1)
    house.gateway.expire(house.now)
    assert house.now + TTL == house.account().password_expires_at
    assert "1 passwords were to lapse until" in caplog.text


def test_passwords_of_now_are_not_touched(house, caplog):
    register(house, room=1)
    expires = house.account().password_expires_at
    house.gateway.expire(house.now - timedelta(seconds=30))
    assert expires == house.account().password_expires_at
    assert "clock" not in caplog.text


def test_part_of_a_wrong_clock_waits_ten_minutes_from_now(house):
    from smsgw.model import Part

    part = Part("udh8:1", 2, 1, 0, b"TK,Nguyen", (0, 0))
    with ahead(house, days=30):
        house.take(house.mo(AN, None, part=part))
    house.gateway.tidy(house.now)
    house.later(minutes=11)
    assert 1 == house.gateway.tidy(house.now).outcomes.total()


def test_no_time_of_a_held_text_can_be_shown(house):
    register(house)
    swallow(house)
    with pytest.raises(OverflowError):
        unstamp(house.store._one("SELECT due_at FROM outbox")[0])
    assert None is house.store.outbox()[0].next_try
