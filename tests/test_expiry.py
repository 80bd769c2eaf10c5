"""An issued password that nobody changes is replaced every three days, with a reminder."""

from datetime import timedelta

from freezegun import freeze_time

from smsgw import clock
from smsgw.model import AccountState, MtState
from tests.house import AN, BINH, NOON, OTHER_TEXT, TEXT, FewIssued, OneHash, password_in


def expire(house):
    return house.gateway.expire(house.now)


def test_password_lapses_after_three_days_and_not_a_second_before(make_house):
    house = make_house()
    _, (first,) = house.text(AN, TEXT)
    house.later(days=3, seconds=-1)
    assert 0 == expire(house).replaced
    house.later(seconds=1)
    assert 1 == expire(house).replaced
    house.later(days=0)
    (text,) = house.take_all()
    password = password_in(text)
    assert text == (
        f"Mat khau cu da het han. TK: 201234567, MK moi: {password} la tai khoan su dung HT Chinh "
        "quyen dien tu. De nghi anh chi doi mat khau trong vong 03 ngay. Cam on!"
    )
    assert house.opens(AN, password)
    assert not house.opens(AN, password_in(first))


def test_reminders_come_every_three_days_until_the_citizen_changes_the_password(make_house):
    house = make_house()
    house.text(AN, TEXT)
    for count in (1, 2, 3):
        house.later(days=3)
        assert 1 == expire(house).replaced
        assert 1 == len([t for t in house.take_all() if t.startswith("Mat khau cu da het han")])
        assert count == house.account().reminders
    house.hotline.set_password(AN, "my own secret", "lan", house.now)
    house.later(days=30)
    assert 0 == expire(house).replaced
    assert house.account().state is AccountState.ACTIVE
    assert house.opens(AN, "my own secret")


def test_expiry_follows_the_one_clock_that_tests_can_freeze(make_house):
    house = make_house()
    with freeze_time(NOON) as frozen:
        house.now = clock.now()
        house.text(AN, TEXT)
        for _ in (3, 6, 9):
            frozen.tick(timedelta(days=3, seconds=-1))
            assert 0 == house.gateway.expire(clock.now()).replaced
            frozen.tick(timedelta(seconds=1))
            assert 1 == house.gateway.expire(clock.now()).replaced


def test_daemon_that_was_down_for_a_month_sends_one_reminder(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.later(days=30)
    house.restart()
    assert 1 == expire(house).replaced
    assert 0 == expire(house).replaced
    assert 1 == house.account().reminders


def test_clock_that_jumps_back_sends_no_second_reminder(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.later(days=3)
    expire(house)
    for _ in range(3):
        house.later(hours=-12)
        assert 0 == expire(house).replaced


def test_restart_between_batches_neither_skips_nor_doubles_anyone(make_house):
    house = make_house()
    phones = [f"8490510000{n}" for n in range(7)]
    for n, phone in enumerate(phones):
        house.text(phone, f"TK,Nguyen Van An,20123456{n},01.02.1990")
    house.later(days=3)
    counts = []
    while True:
        done = house.gateway.expire(house.now, limit=3)
        counts.append(done.replaced)
        house.restart()
        if not done.more:
            break
    assert [3, 3, 1] == counts
    assert [1] * 7 == [account.reminders for account in house.store.accounts()]


def test_oldest_lapse_first(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.later(minutes=1)
    house.text(BINH, OTHER_TEXT)
    house.later(days=3)
    house.gateway.expire(house.now, limit=1)
    assert (1, 0) == (house.account(AN).reminders, house.account(BINH).reminders)


def test_after_the_last_reminder_the_password_is_deleted_and_not_replaced(make_house):
    house = make_house(registration={"max_reminders": 2})
    house.text(AN, TEXT)
    for _ in range(2):
        house.later(days=3)
        assert (1, 0) == expire(house)[:2]
    last = house.take_all()[-1]
    assert house.opens(AN, password_in(last))
    house.later(days=3)
    assert (0, 1) == expire(house)[:2]
    assert [] == house.take_all()
    assert not house.opens(AN, password_in(last))
    house.later(days=30)
    assert (0, 0) == expire(house)[:2]
    account = house.account()
    assert (AccountState.ISSUED, None, 2) == (
        account.state,
        account.password_expires_at,
        account.reminders,
    )


def test_hotline_gives_a_new_password_to_an_account_whose_reminders_ended(make_house):
    house = make_house(registration={"max_reminders": 1})
    house.text(AN, TEXT)
    for _ in range(2):
        house.later(days=3)
        expire(house)
    house.hotline.reset_password(AN, "lan", house.now)
    assert house.opens(AN, password_in(house.take_all()[-1]))
    house.later(days=3)
    assert (1, 0) == expire(house)[:2]


def test_what_falls_due_at_night_waits_for_the_morning(make_house):
    house = make_house()
    house.later(hours=11)  # 23:00 in Da Nang
    house.text(AN, TEXT)
    house.take_all()
    house.later(days=3)
    done = expire(house)
    assert (0, 1) == (done.replaced, done.waiting)
    house.later(hours=8)  # 07:00
    assert 1 == expire(house).replaced


def test_reminder_that_nobody_took_in_the_evening_leaves_in_the_morning(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.later(days=3, hours=9, minutes=59)  # 21:59
    expire(house)
    house.later(minutes=2)
    claim = house.claim()
    assert ([], NOON.replace(hour=0) + timedelta(days=4)) == claim[:2]  # 07:00 of the next day
    house.now = claim.next_due
    assert ["Mat khau cu"] == [mt.text[:11] for mt in house.claim().mts]


def test_reply_that_tells_an_older_password_is_not_sent_after_the_reminder(make_house):
    house = make_house(registration={"password_ttl": "1h"})
    house.take(house.mo(AN, TEXT), room=0)
    house.later(hours=1)
    expire(house)
    (text,) = house.take_all()
    assert text.startswith("Mat khau cu")
    assert [MtState.CANCELLED, MtState.SENT] == house.states()


def test_replies_to_citizens_go_before_reminders(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.later(days=3)
    expire(house)
    house.take(house.mo(BINH, OTHER_TEXT), room=0)
    assert [False, True] == [mt.reminder for mt in house.claim().mts]


def test_reminder_goes_by_the_link_and_to_the_address_of_the_registration(make_house):
    house = make_house()
    house.text("0905123456", TEXT, link="mobi", ton=2, npi=1)
    house.text(AN, "hallo", link="viettel", ton=1)
    house.later(days=3)
    expire(house)
    (mt,) = [mt for mt in house.claim("mobi").mts if mt.reminder]
    assert ("0905123456", 2, 1) == mt.to


def test_short_stock_replaces_the_oldest_and_leaves_the_rest_for_later(make_house):
    house = make_house()
    house.text(AN, TEXT)
    house.text(BINH, OTHER_TEXT)
    house.later(days=3)
    house.issuer = house.gateway.tools.issuer = FewIssued(1)
    done = expire(house)
    assert (1, 1, False) == (done.replaced, done.short, done.more)
    house.issuer.left = 9
    assert 1 == expire(house).replaced


def test_many_that_lapse_at_once_are_each_told_a_password_of_their_own(make_house):
    house = make_house()
    house.issuer = house.gateway.tools.issuer = OneHash()
    phones = [f"849050000{n:02}" for n in range(75)]
    texts = [f"TK,Nguyen Van An,2015550{n:02},01.02.1990" for n in range(75)]
    house.take(*map(house.mo, phones, texts))
    house.later(days=3)
    assert 75 == expire(house).replaced
    house.later(days=0)
    claimed = house.claim().mts
    assert phones == [mt.to.number for mt in claimed]
    told = [mt.text.split("TK: ")[1].split(",")[0] for mt in claimed]
    assert [f"2015550{n:02}" for n in range(75)] == told
    assert 75 == len({password_in(mt.text) for mt in claimed})
    lines = [house.gateway.store.account_history(house.account(phone).id) for phone in phones]
    assert {("registered", "lapsed")} == {tuple(line.event for line in story) for story in lines}


def test_reminders_leave_the_room_that_is_kept_for_replies(make_house):
    house = make_house()
    house.text(AN, TEXT, link="mobi")
    house.later(days=3)
    assert 1 == expire(house).replaced
    house.take(house.mo(BINH, "hallo", link="mobi"), room=0)
    reply, none = (
        house.gateway.claim("mobi", 2, house.now, 1),
        house.gateway.claim("mobi", 2, house.now, 0),
    )
    assert [BINH] == [mt.to.number for mt in reply.mts]
    assert ([], house.now, None, False) == none
    (reminder,) = house.gateway.claim("mobi", 2, house.now, 1).mts
    assert reminder.reminder
