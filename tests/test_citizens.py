"""What citizens do themselves: log in, choose a password, complete their data."""

import json
from datetime import timedelta

import pytest

from smsgw.errors import MustChange, SecretReplaced
from smsgw.gateway import corrected
from smsgw.model import AccountState, Feed
from smsgw.passwords import OnDemand, hash_password
from smsgw.registration.fields import Reason
from smsgw.registration.profile import Fault, Question
from tests.citizens import ADDRESS, CMND, OWN, PAGES, POLICY, Town, hashed
from tests.house import AN, BINH, OTHER_TEXT, TEXT

OTHER = "201999999"


@pytest.fixture
def town(house):
    town = Town(house)
    town.register()
    return town


@pytest.fixture
def forgetful(make_house):
    """Where who texts again gets a new password."""
    town = Town(make_house(registration={"repeat": "reset"}))
    town.register()
    return town


# --- proofs -------------------------------------------------------------------------------------


def test_issued_password_opens_the_account_however_it_is_typed(house):
    town = Town(house)
    password = town.register()
    assert town.opens(f" {password.upper()}.")
    assert not town.opens(password + "x")


def test_nobody_and_who_has_ended_look_alike(town):
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    closed, nobody = town.proof(), town.proof("201234999")
    assert closed == nobody
    assert (None, None, "", False) == (closed.account, closed.hash, closed.mark, closed.shut)


def test_issued_password_is_good_until_it_is_really_replaced(make_house):
    """Three days end at noon here; those that end at night wait for the morning."""
    town = Town(make_house())
    town.house.later(hours=11)  # 23:00
    town.register()
    assert "07:00" == f"{town.proof().usable_until:%H:%M}"
    assert (town.now + timedelta(days=3, hours=8)) == town.proof().usable_until
    town.choose()
    assert town.proof().usable_until is None


def test_renewed_hash_is_the_same_password(town):
    town.choose()
    before = town.proof()
    town.citizens.renew_hash(before.account, before.hash, hash_password(OWN))
    after = town.proof()
    assert before.hash != after.hash
    assert before.mark == after.mark
    town.citizens.renew_hash(after.account, after.hash, hash_password(OWN))
    assert before.mark == town.mark()
    assert [] == [line for line in town.story() if line[0] not in ("registered", "own password")]


def test_hash_that_was_replaced_meanwhile_is_not_renewed(town):
    before = town.proof()
    town.choose()
    town.citizens.renew_hash(before.account, before.hash, hash_password("something else"))
    assert town.opens(OWN)


def test_every_new_password_has_another_mark(forgetful):
    marks = [forgetful.mark()]
    forgetful.choose()
    marks.append(forgetful.mark())
    forgetful.choose()  # the same one again
    forgetful.choose("another one of mine")
    marks.append(forgetful.mark())
    forgetful.register()
    marks.append(forgetful.mark())
    assert 4 == len(set(marks))


# --- log-ins ------------------------------------------------------------------------------------


def test_who_logs_in_is_told_of_the_log_in_before(town):
    assert town.log_in().before is None
    first = town.now
    town.house.later(hours=2)
    before = town.log_in(address="198.51.100.1").before
    assert (first, "page", ADDRESS) == before
    assert [town.now, first] == [each.at for each in town.citizens.log_ins(town.id(), 10)]


def test_log_ins_are_in_the_story(town):
    town.log_in()
    assert ("log-in", f"page from {ADDRESS}", None) in town.story()


REPLACEMENTS = {
    "hotline": lambda house: house.hotline.reset_password(CMND, "linh", house.now),
    "expiry pass": lambda house: (house.later(days=3), house.gateway.expire(house.now)),
    "text": lambda house: house.text(AN, TEXT),
    "close": lambda house: house.hotline.close_account(CMND, "moved", "linh", house.now),
    "own password": lambda house: Town(house).choose("another one of mine"),
}


@pytest.mark.parametrize("replace", REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_password_that_was_replaced_meanwhile_does_nothing(forgetful, replace):
    account, _, _, mark, *_ = forgetful.proof()
    citizens, now = forgetful.citizens, forgetful.now
    replace(forgetful.house)
    before = forgetful.house.store.citizen(account)
    with pytest.raises(SecretReplaced):
        citizens.log_in(account, mark, now, address=ADDRESS)
    with pytest.raises(SecretReplaced):
        citizens.set_own_password(account, mark, hashed(OWN), now)
    with pytest.raises(SecretReplaced):
        citizens.save(account, mark, Question.GENDER, {"gender": "male"}, now)
    with pytest.raises(SecretReplaced):
        citizens.confirm(account, mark, 0, POLICY, now)
    with pytest.raises(SecretReplaced):
        citizens.citizen(account, mark)
    with pytest.raises(SecretReplaced):
        citizens.sub(account, mark, now)
    assert before == forgetful.house.store.citizen(account)


def test_no_mark_proves_nothing(make_house):
    town = Town(make_house(registration={"max_reminders": 1}))
    town.register()
    for _ in range(2):
        town.house.later(days=3)
        town.house.gateway.expire(town.now)
    assert (None, "") == (town.proof().hash, town.mark())
    with pytest.raises(SecretReplaced):
        town.choose()


# --- own passwords ------------------------------------------------------------------------------


def test_own_password_makes_the_account_active_and_ends_reminders(town):
    mark = town.choose()
    assert mark == town.mark()
    assert AccountState.ACTIVE is town.proof().state
    assert town.opens(OWN)
    town.house.later(days=10)
    assert 0 == town.house.gateway.expire(town.now).replaced
    assert ("own password", "issued -> active", "page") in town.story()


def test_text_that_still_waits_no_longer_tells_the_issued_password(town):
    town.choose()
    assert ["cancelled"] == town.house.states()


# --- names that are shut ------------------------------------------------------------------------


def test_a_shut_name_opens_with_a_new_password(forgetful):
    forgetful.citizens.shut(CMND, forgetful.mark(), forgetful.now)
    assert forgetful.proof().shut
    forgetful.house.later(days=1000)
    assert forgetful.citizens.is_shut(CMND, forgetful.now)
    forgetful.register()
    assert not forgetful.proof().shut


def test_password_that_is_new_by_now_is_not_shut(town):
    mark = town.mark()
    town.choose()
    town.citizens.shut(CMND, mark, town.now)
    assert not town.proof().shut


def test_name_of_nobody_is_shut_for_thirty_days(town):
    town.citizens.shut("201234999", "", town.now)
    assert town.citizens.is_shut("201234999", town.now + timedelta(days=30, microseconds=-1))
    assert not town.citizens.is_shut("201234999", town.now + timedelta(days=30))
    town.house.hotline.purge_all(town.now + timedelta(days=31))
    assert town.house.store.shut_of("201234999") is None


def test_name_of_nobody_opens_for_who_registers_it(town):
    town.citizens.shut(OTHER, "", town.now)
    town.register(BINH, OTHER_TEXT)
    assert not town.proof(OTHER).shut


# --- data ---------------------------------------------------------------------------------------


def test_the_whole_way(town):
    assert town.citizen().must_change
    town.choose()
    for question in PAGES:
        assert question is town.citizen().first_open
        assert () == town.save(question)
    citizen = town.citizen()
    assert (False, True, None) == (citizen.must_change, citizen.must_complete, citizen.first_open)
    assert town.confirm()
    citizen = town.citizen()
    assert not citizen.must_complete
    assert (town.now, POLICY, citizen.version) == (
        *(citizen.consent.at, citizen.consent.text, citizen.consent.version),
    )
    assert ("data confirmed", f"with the policy of {POLICY}", "page") in town.story()


def test_an_issued_password_opens_nothing_but_its_change(town):
    with pytest.raises(MustChange):
        town.save(Question.GENDER)
    with pytest.raises(MustChange):
        town.confirm(version=0)


def test_a_refused_answer_changes_nothing(town):
    town.choose()
    assert (Fault("gender", Reason.REQUIRED),) == town.save(Question.GENDER, {"gender": "x"})
    assert 0 == town.citizen().version


def test_what_was_changed_in_another_window_is_not_confirmed(town):
    town.choose()
    town.answer_all()
    seen = town.citizen().version
    town.save(Question.GENDER, {"gender": "female"})
    assert not town.confirm(version=seen)
    assert town.citizen().must_complete
    assert town.confirm()


def test_the_same_answer_twice_is_no_change(town):
    town.choose()
    town.answer_all()
    seen = town.citizen().version
    town.answer_all()
    # A province is asked for its commune again, which is an answer.
    assert town.confirm(version=town.citizen().version)
    assert seen <= town.citizen().version
    before = town.citizen()
    town.save(Question.GENDER)
    assert before == town.citizen()


def test_what_lacks_an_answer_is_not_confirmed(town):
    town.choose()
    town.save(Question.GENDER)
    assert not town.confirm()


def test_confirming_twice_is_one_consent(town):
    town.settle()
    first = town.citizen().consent
    town.house.later(minutes=1)
    assert town.confirm()
    assert first == town.citizen().consent
    assert 1 == len([line for line in town.story() if line[0] == "data confirmed"])


def test_a_change_later_needs_no_consent_and_is_told(town):
    town.settle()
    town.save(Question.EMAIL, {"email": ""})
    assert not town.citizen().must_complete
    assert ("data changed", "email", "page") in town.story()
    assert [Feed.ACTIVATED, Feed.PROFILE_CHANGED, Feed.PROFILE_CHANGED] == town.feed()


def test_a_province_without_its_commune_changes_nothing_yet(town):
    town.settle()
    town.save(Question.HOME, {"home_province": "46"})
    assert not town.citizen().must_complete
    assert "48" == town.citizen().answers.home.province_code
    assert [Feed.ACTIVATED, Feed.PROFILE_CHANGED] == town.feed()


def test_data_outlive_a_forgotten_password(forgetful):
    forgetful.settle()
    answers = forgetful.citizen().answers
    forgetful.register()
    assert forgetful.citizen().must_change
    forgetful.choose("another one of mine")
    assert (answers, False) == (forgetful.citizen().answers, forgetful.citizen().must_complete)


def test_after_another_name_its_diacritics_are_asked_for_again(town):
    sub = town.settle()
    with town.house.store.transaction():
        corrected(town.house.store, town.id(), town.now, name=True)
    assert Question.NAME is town.citizen().first_open
    assert town.portrait(sub).profile is None
    assert Feed.PROFILE_CHANGED is town.feed()[-1]
    town.save(Question.NAME)
    assert not town.citizen().must_complete  # without a new consent
    assert town.portrait(sub).profile is not None


# --- disclosures and one's own data -------------------------------------------------------------


def test_a_disclosure_is_told_once_a_day(town):
    sub = town.settle()
    for hours in (0, 1, 24):
        town.citizens.disclosed(
            [town.id()], "dvc", ["profile", "openid"], town.now + timedelta(hours=hours)
        )
    told = [line for line in town.story() if line[0] == "disclosed"]
    assert [("disclosed", "dvc: openid profile", None)] * 2 == told
    assert sub


def test_own_data_are_whole_and_without_a_secret(town):
    town.settle()
    town.citizens.disclosed([town.id()], "dvc", ["openid"], town.now)
    data = town.citizens.own_data(town.id())
    assert "Nguyễn Văn An" == data["profile"]["full_name"]
    assert POLICY == data["consent"]["text"]
    assert [ADDRESS] == [each["address"] for each in data["log_ins"]]
    assert ["dvc"] == [each["client"] for each in data["disclosures"]]
    assert {"registered", "own password", "log-in", "data confirmed", "disclosed"} == {
        each["what"] for each in data["history"]
    }
    assert ["mt", "mo"] == [each["direction"] for each in data["messages"]]
    document = json.dumps(data, ensure_ascii=False)
    assert "argon2" not in document
    assert OWN not in document


def test_own_data_hold_nothing_of_who_had_the_phone_before(town):
    town.settle()
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    town.house.later(days=1)
    town.register(AN, OTHER_TEXT)
    document = json.dumps(town.citizens.own_data(town.id(OTHER)), ensure_ascii=False)
    assert "201234567" not in document


def test_a_registration_writes_nothing_for_the_portal(town):
    tables = ("subjects", "profiles", "profile_changes", "log_ins", "disclosures", "feed")
    town.register(BINH, OTHER_TEXT)
    town.house.later(days=3)
    town.house.gateway.tools.issuer = OnDemand(8)
    assert 2 == town.house.gateway.expire(town.now).replaced
    town.house.hotline.close_account(OTHER, "moved", "linh", town.now)
    connection = town.house.store._db
    assert [0] * len(tables) == [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in tables
    ]


# --- retention ----------------------------------------------------------------------------------


def test_log_ins_are_kept_for_a_while(town):
    town.settle()
    town.house.hotline.purge_all(town.now + timedelta(days=89))
    assert 1 == len(town.citizens.log_ins(town.id(), 10))
    town.house.hotline.purge_all(town.now + timedelta(days=91))
    assert [] == town.citizens.log_ins(town.id(), 10)
    assert not town.citizen().must_complete


def test_what_the_portal_keeps_goes_with_the_account(town):
    sub = town.settle()
    account = town.id()
    town.citizens.shut(CMND, town.mark(), town.now)
    town.house.hotline.close_account(CMND, "moved", "linh", town.now)
    town.house.later(days=366)
    town.house.hotline.purge_all(town.now)
    assert town.portrait(sub) is None
    store = town.house.store
    assert ([], [], None) == (
        *(store.portal_history(account), store.log_ins(account, 9), store.shut_of(CMND)),
    )
    assert store.citizen(account) is None
    assert "Nguyễn" not in town.house.path.read_bytes().decode("utf-8", "replace")
