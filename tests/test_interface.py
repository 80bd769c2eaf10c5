"""What the city's programs ask: accounts by sub, a first copy, the feed of changes."""

from datetime import timedelta

import pytest

from smsgw.errors import CursorTooOld, NoProfile, NoSubject, NoSuchCursor, NotTheVersion
from smsgw.model import AccountState, Feed
from smsgw.registration.fields import Reason
from smsgw.registration.merge_patch import PatchFault
from smsgw.registration.profile import Question
from tests.citizens import CMND, Town
from tests.house import AN, BINH, OTHER_TEXT

OTHER = "201999999"
BINHS = {"NAME": {"full_name": "Trần Thị Bình"}}


@pytest.fixture
def town(make_house):
    town = Town(make_house(registration={"repeat": "reset"}))
    town.register()
    return town


def patch(town, sub, change, version="*"):
    interface = town.citizens.interface
    return interface.patch_profile(sub, version, change, "dvc", town.now)


# --- one account --------------------------------------------------------------------------------


def test_an_account_as_programs_see_it(town):
    sub = town.settle()
    record = town.portrait(sub).record()
    assert ["sub", "state", "must_change", "must_complete", "updated_at", "profile"] == [*record]
    assert (sub, "active", False, False, "2026-05-04T05:00:00.000Z") == (*record.values(),)[:5]
    profile = record["profile"]
    assert ["full_name", "gender", "birth_date", "cmnd", "phone"] == [*profile][:5]
    assert ["id_issued_on", "id_issued_by", "home", "living", "email"] == [*profile][5:]
    assert ("Nguyễn Văn An", "male", "1990-02-01", "+84905123456", "2015-03-27") == (
        *(profile["full_name"], profile["gender"], profile["birth_date"]),
        *(profile["phone"], profile["id_issued_on"]),
    )
    assert profile["home"] == profile["living"]
    assert ["province", "province_code", "ward", "ward_code", "street"] == [*profile["home"]]


def test_sub_says_nothing_and_is_stable(town):
    sub = town.sub()
    assert CMND not in sub
    assert sub == town.sub()
    town.choose()
    assert sub == town.settle()


def test_issued_and_unconfirmed_accounts_have_no_profile(town):
    sub = town.sub()
    issued = town.portrait(sub)
    assert (AccountState.ISSUED, True, None) == (issued.state, issued.must_change, issued.profile)
    town.choose()
    town.answer_all()
    active = town.portrait(sub)
    assert (True, None) == (active.must_complete, active.profile)


def test_a_closed_account_has_no_profile_and_its_cmnd_gets_another_sub(town):
    sub = town.settle()
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    closed = town.portrait(sub)
    assert (AccountState.CLOSED, None) == (closed.state, closed.profile)
    assert "profile" not in closed.record()
    town.register(BINH)
    assert sub != town.settle()
    assert AccountState.CLOSED is town.portrait(sub).state


def test_an_erased_account_is_none_and_stays_so(town):
    sub = town.settle()
    account = town.id()
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    with town.house.store.transaction():
        town.house.store.erase_citizens([account], town.now)
    assert town.portrait(sub) is None
    assert [Feed.CLOSED, Feed.ERASED] == town.feed()[-2:]
    with pytest.raises(NoSubject):
        patch(town, sub, {})
    with town.house.store.transaction():
        town.house.store.erase_citizens([account], town.now)
    assert 1 == town.feed().count(Feed.ERASED)


def test_nobody_by_that_sub(town):
    assert town.portrait("x") is None
    assert town.portrait(CMND) is None


# --- changes ------------------------------------------------------------------------------------


def test_a_patch_is_merged_and_told(town):
    sub = town.settle()
    before = town.portrait(sub)
    town.house.later(minutes=1)
    after = patch(town, sub, {"email": "moi@vidu.vn"}, before.version)
    assert "moi@vidu.vn" == after.profile["email"]
    assert town.now == after.updated_at
    assert before.version != after.version == town.portrait(sub).version
    assert Feed.PROFILE_CHANGED is town.feed()[-1]
    assert ("data changed", "email", "dvc") in town.story()


def test_a_patch_of_another_version_is_not_done(town):
    sub = town.settle()
    seen = town.portrait(sub).version
    town.save(Question.EMAIL, {"email": ""})
    with pytest.raises(NotTheVersion):
        patch(town, sub, {"gender": "female"}, seen)
    assert "male" == town.portrait(sub).profile["gender"]


def test_a_refused_patch_changes_nothing(town):
    sub = town.settle()
    before = town.portrait(sub)
    assert (PatchFault("/profile/gender", Reason.UNKNOWN_CODE),) == patch(
        town, sub, {"email": None, "gender": "x"}
    )
    assert before == town.portrait(sub)


def test_without_a_profile_there_is_nothing_to_patch(town):
    sub = town.sub()
    with pytest.raises(NoProfile):
        patch(town, sub, {"gender": "male"})
    town.settle()
    town.register()
    with pytest.raises(NoProfile):
        patch(town, sub, {"gender": "male"})


# --- the feed -----------------------------------------------------------------------------------


def test_the_feed_tells_a_life(town):
    sub = town.settle()
    town.choose("another one of mine")
    town.register()  # forgot it
    town.house.hotline.reset_password(CMND, "linh", town.now)  # was issued by then
    town.choose("a third one of mine")
    town.save(Question.GENDER, {"gender": "female"})
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    page = town.citizens.interface.changes(None, 100)
    assert [
        *(Feed.ACTIVATED, Feed.PROFILE_CHANGED, Feed.PASSWORD_CHANGED, Feed.PASSWORD_RESET),
        *(Feed.PASSWORD_CHANGED, Feed.PROFILE_CHANGED, Feed.CLOSED),
    ] == [change.row.type for change in page.items]
    assert {sub} == {change.row.sub for change in page.items}


def test_the_hotlines_way_to_an_own_password_is_told_too(town):
    town.house.hotline.set_password(CMND, "ba con cho nho", "linh", town.now)
    assert [Feed.ACTIVATED] == town.feed()


def test_who_was_never_active_is_not_in_the_feed(town):
    town.sub()  # a log-in by a program asked for it
    town.house.hotline.reset_password(CMND, "linh", town.now)
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    town.house.later(days=400)
    town.house.hotline.purge_all(town.now)
    assert [] == town.feed()


def test_the_feed_goes_on_where_it_was_left(town):
    interface = town.citizens.interface
    empty = interface.changes(None, 10)
    assert ([], False) == (empty.items, empty.more)
    town.settle()
    first = interface.changes(empty.next, 1)
    assert ([Feed.ACTIVATED], True) == ([c.row.type for c in first.items], first.more)
    second = interface.changes(first.next, 1)
    assert ([Feed.PROFILE_CHANGED], False) == ([c.row.type for c in second.items], second.more)
    assert first.items[0].cursor == first.next
    last = interface.changes(second.next, 1)
    assert ([], second.next, False) == last


NEVER = ["", "x", "AAAA", "é", "A" * 1000, "AAAAAAAAAAEUeUUFeqhnHg==", "-", "0", "\0", "\ud800"]


@pytest.mark.parametrize("cursor", NEVER)
def test_a_cursor_that_never_was(town, cursor):
    town.settle()
    with pytest.raises(NoSuchCursor):
        town.citizens.interface.changes(cursor, 10)
    with pytest.raises(NoSuchCursor):
        town.citizens.interface.active_accounts(cursor, 10)


def test_a_cursor_with_one_letter_changed(town):
    town.settle()
    cursor = town.citizens.interface.changes(None, 1).next
    for at, letter in enumerate(cursor):
        other = cursor[:at] + ("B" if letter != "B" else "C") + cursor[at + 1 :]
        with pytest.raises(NoSuchCursor):
            town.citizens.interface.changes(other, 10)


def test_a_cursor_of_the_other_list(town):
    town.settle()
    interface = town.citizens.interface
    with pytest.raises(NoSuchCursor):
        interface.changes(interface.active_accounts(None, 10).next, 10)
    with pytest.raises(NoSuchCursor):
        interface.active_accounts(interface.changes(None, 10).next, 10)


def test_a_cursor_of_a_database_that_has_more(town, make_house):
    """An older copy was restored: whoever read further must begin anew."""
    town.settle()
    cursor = town.citizens.interface.changes(None, 10).next
    town.house.store._db.execute("DELETE FROM feed WHERE id > 1")
    with pytest.raises(NoSuchCursor):
        town.citizens.interface.changes(cursor, 10)


def test_a_cursor_that_is_too_old(town):
    interface = town.citizens.interface
    start = interface.changes(None, 10).next
    town.settle()
    end = interface.changes(None, 10).next
    town.house.later(days=89)
    town.house.hotline.purge_all(town.now)
    assert 2 == len(interface.changes(start, 10).items)
    town.house.later(days=2)
    town.house.hotline.purge_all(town.now)
    with pytest.raises(CursorTooOld):
        interface.changes(start, 10)
    assert ([], end, False) == interface.changes(end, 10)
    assert [] == interface.changes(None, 10).items
    town.choose("another one of mine")
    assert [Feed.PASSWORD_CHANGED] == town.feed(end)


# --- a first copy -------------------------------------------------------------------------------


def test_first_copy_in_the_order_in_which_they_became_active(town):
    town.register(BINH, OTHER_TEXT)
    subs = []
    for cmnd, pages in ((OTHER, BINHS), (CMND, {})):
        town.choose(cmnd=cmnd)
        town.answer_all(cmnd, **pages)
        assert town.confirm(cmnd)
        subs.append(town.sub(cmnd))
    interface = town.citizens.interface
    first = interface.active_accounts(None, 1)
    second = interface.active_accounts(first.next, 1)
    assert subs == [each.sub for each in (*first.items, *second.items)]
    assert (True, False) == (first.more, second.more)
    end = interface.active_accounts(second.next, 1)
    assert ([], second.next, False) == end


def test_first_copy_without_issued_and_closed_ones(town):
    town.register(BINH, OTHER_TEXT)
    town.choose()
    town.choose(cmnd=OTHER)
    interface = town.citizens.interface
    assert 2 == len(interface.active_accounts(None, 10).items)
    town.register(AN)  # forgot it: issued again
    town.house.hotline.close_account(OTHER, "moved", "linh", town.now)
    assert [] == interface.active_accounts(None, 10).items
    town.choose("another one of mine")
    (again,) = interface.active_accounts(None, 10).items
    assert again.must_complete
    assert again.profile is None


def test_who_was_active_before_there_was_a_portal_is_in_the_first_copy(town):
    """As the migration finds them."""
    from smsgw.store.sqlite.schema_portal import PORTAL

    town.register(BINH, OTHER_TEXT)
    town.choose(cmnd=OTHER)
    town.house.later(minutes=1)
    town.choose()
    town.register(AN)  # forgot it
    db = town.house.store._db
    (fill,) = [each for each in PORTAL if "INSERT INTO subjects" in each]
    with town.house.store.transaction():
        db.execute("DELETE FROM subjects")
        db.execute(fill)
    rows = db.execute("SELECT account_id FROM subjects ORDER BY active_number").fetchall()
    assert [(town.id(OTHER),), (town.id(),)] == rows
    assert 1 == len(town.citizens.interface.active_accounts(None, 10).items)
    assert timedelta(0) == town.now - town.portrait(town.sub()).updated_at
