"""`/api/v1/accounts…` and `/api/v1/changes`, over HTTP."""

import threading
from base64 import urlsafe_b64decode

import pytest

from smsgw import clock
from tests.house import BINH, OTHER_TEXT
from tests.portal.conftest import CMND, OWN
from tests.portal.program import Program, problem, told
from tests.portal.test_api_passwords import NEW

OTHER = "201999999"


@pytest.fixture(scope="module")
def program(anywhere):
    return Program(anywhere)


@pytest.fixture
def sub(anywhere, program, person, cmnd):
    """Of a citizen whose data are confirmed."""
    anywhere.whole(**person)
    return told(program.verify(cmnd, OWN))["sub"]


@pytest.fixture
def alone(city):
    """A program, and the `sub` of the one citizen whom its portal has."""
    program = Program(city)
    city.whole()
    return program, told(program.verify(CMND, OWN))["sub"]


# --- one account --------------------------------------------------------------------------------


def test_account_with_what_its_citizen_confirmed(program, sub, person, cmnd):
    answer = program.get(f"/accounts/{sub}")
    account = told(answer)
    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    assert "no-store" == answer.headers["cache-control"]
    assert answer.headers["x-request-id"]
    assert ["sub", "state", "must_change", "must_complete", "updated_at", "profile"] == [*account]
    assert (sub, "active", False, False) == (*account.values(),)[:4]
    profile = account["profile"]
    assert ("1990-02-01", cmnd, f"+{person['phone']}", "2015-03-27") == (
        *(profile["birth_date"], profile["cmnd"], profile["phone"], profile["id_issued_on"]),
    )
    assert profile["home"] == profile["living"]
    assert ("48", "20242", "12 Trần Phú") == (
        *(profile["home"][name] for name in ("province_code", "ward_code", "street")),
    )


def test_nobody_is_not_found(program):
    for sub in ("nobody", "%00", "%ED%A0%80", "a" * 3000):
        assert (404, "no-such-account") == problem(program.get(f"/accounts/{sub}")), sub
        assert 404 == program.patch(sub, {}).status


def test_issued_and_closed_accounts_have_no_profile_and_erased_ones_are_none(
    anywhere, program, person, cmnd
):
    password = anywhere.register(**person)
    sub = told(program.verify(cmnd, password))["sub"]
    issued = told(program.get(f"/accounts/{sub}"))
    assert ("issued", True, True, False) == (
        *(issued["state"], issued["must_change"], issued["must_complete"]),
        "profile" in issued,
    )
    assert (409, "no-profile") == problem(program.patch(sub, {"email": None}))
    anywhere.house.hotline.close_account(cmnd, "asked", "test", clock.now())
    closed = told(program.get(f"/accounts/{sub}"))
    assert ("closed", False) == (closed["state"], "profile" in closed)
    assert (409, "no-profile") == problem(program.patch(sub, {"email": None}))
    [row] = anywhere.house.store._db.execute(
        "SELECT account_id FROM subjects WHERE sub = ?", (sub,)
    )
    with anywhere.house.store.transaction():
        anywhere.house.store.erase_citizens([row[0]], clock.now())
    assert (404, "no-such-account") == problem(program.get(f"/accounts/{sub}"))
    assert (404, "no-such-account") == problem(program.patch(sub, {"email": None}))


def test_reading_a_profile_is_a_disclosure_to_that_client(anywhere, program, sub, cmnd):
    def disclosed():
        data = anywhere.citizens.own_data(anywhere.account(cmnd).id)
        return [(each["client"], each["scopes"]) for each in data["disclosures"]]

    assert [] == disclosed()
    program.get(f"/accounts/{sub}")
    assert [(program.name, "read")] == disclosed()


# --- change -------------------------------------------------------------------------------------


def test_profile_is_changed_by_merging(program, sub):
    before = program.get(f"/accounts/{sub}")
    change = {"email": "moi@vidu.vn", "home": {"street": "99 Lê Lợi"}}
    answer = program.patch(sub, change, before.headers["etag"])
    assert 200 == answer.status, answer.body
    assert told(program.get(f"/accounts/{sub}")) == told(answer)
    assert answer.headers["etag"] == program.get(f"/accounts/{sub}").headers["etag"]
    assert answer.headers["etag"] != before.headers["etag"]
    after, old = told(answer)["profile"], told(before)["profile"]
    assert ("moi@vidu.vn", "99 Lê Lợi") == (after["email"], after["home"]["street"])
    assert old["home"]["ward"] == after["home"]["ward"]
    assert {"email", "home", "living"} == {name for name in old if old[name] != after[name]}


def test_stale_version_changes_nothing(program, sub):
    stale = program.get(f"/accounts/{sub}").headers["etag"]
    assert 200 == program.patch(sub, {"email": "a@vidu.vn"}, stale).status
    answer = program.patch(sub, {"email": "b@vidu.vn"}, stale)
    assert (412, "other-version") == problem(answer)
    for other in (f"W/{stale}", '"x"', "x"):
        assert 412 == program.patch(sub, {"email": "b@vidu.vn"}, other).status, other
    assert "a@vidu.vn" == told(program.get(f"/accounts/{sub}"))["profile"]["email"]
    now = program.get(f"/accounts/{sub}").headers["etag"]
    assert 200 == program.patch(sub, {"email": "b@vidu.vn"}, f'{stale}, "x", {now}').status


def test_version_must_be_told(program, sub):
    for none in (None, ""):
        answer = program.patch(sub, {"email": None}, if_match=none)
        assert (428, "if-match-required") == problem(answer)


def test_of_two_changes_at_a_time_one_is_taken(program, sub):
    version = program.get(f"/accounts/{sub}").headers["etag"]
    answers = []

    def change(number):
        answers.append(program.patch(sub, {"email": f"so{number}@vidu.vn"}, version).status)

    changers = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for each in changers:
        each.start()
    for each in changers:
        each.join()
    assert [200] + [412] * 5 == sorted(answers)


def test_all_that_is_wrong_is_told_at_once(program, sub, person, cmnd):
    change = {
        "full_name": "Trần Văn An",
        "cmnd": "123456789",
        "gender": "x",
        "email": 5,
        "home": {"ward_code": "1", "street": None, "city": "x"},
        "secret-of-mine": 1,
    }
    answer = program.patch(sub, change)
    assert (422, "wrong-fields") == problem(answer)
    errors = told(answer)["errors"]
    assert {
        ("/profile/full_name", "not_the_texted_name"),
        ("/profile/cmnd", "read_only"),
        ("/profile/gender", "unknown_code"),
        ("/profile/email", "wrong_type"),
        ("/profile/home", "unknown_field"),
        ("/profile/home/street", "required"),
        ("/profile", "unknown_field"),
    } == {(error["pointer"], error["reason"]) for error in errors}
    assert all(error["detail"] for error in errors)
    assert b"secret-of-mine" not in answer.body
    assert 200 == program.patch(sub, {"cmnd": cmnd, "phone": f"+{person['phone']}"}).status


def test_patch_may_be_named_plain_json(program, sub):
    assert 200 == program.patch(sub, {"email": None}, kind="application/json").status
    assert 200 == program.patch(sub, {}, kind="application/json; charset=UTF-8").status


# --- lists --------------------------------------------------------------------------------------


def gone_through(program, name, limit):
    found, after, more = [], "", True
    while more:
        page = told(program.get(f"/{name}?limit={limit}{after}"))
        found += page[name]
        after, more = f"&after={page['next']}", page["more"]
    return found, page["next"]


def test_first_copy_in_pages_and_without_issued_and_closed_ones(city, alone):
    program, sub = alone
    city.own(phone=BINH, text=OTHER_TEXT)
    accounts, _ = gone_through(program, "accounts", 1)
    assert [sub, True] == [accounts[0]["sub"], accounts[1]["must_complete"]]
    assert accounts[0] == told(program.get(f"/accounts/{sub}"))
    assert "profile" not in accounts[1]
    city.house.hotline.close_account(OTHER, "asked", "test", clock.now())
    city.reset()
    assert [] == told(program.get("/accounts"))["accounts"]


def test_feed_tells_what_happened_in_order(city, alone):
    program, sub = alone
    program.patch(sub, {"email": "moi@vidu.vn"})
    program.change(CMND, OWN, NEW)
    password = city.reset()
    program.change(CMND, password, OWN)
    city.house.hotline.close_account(CMND, "asked", "test", clock.now())
    city.register(phone=BINH, text=OTHER_TEXT)  # only issued: nothing of it
    changes, end = gone_through(program, "changes", 2)
    assert [
        *("account.activated", "profile.changed", "profile.changed", "password.changed"),
        *("password.reset", "password.changed", "account.closed"),
    ] == [change["type"] for change in changes]
    assert {sub} == {change["sub"] for change in changes}
    assert ["cursor", "at", "sub", "type"] == [*changes[0]]
    assert end == changes[-1]["cursor"]
    again = told(program.get(f"/changes?after={changes[1]['cursor']}"))
    assert (changes[2:], False) == (again["changes"], again["more"])
    nothing = told(program.get(f"/changes?after={end}"))
    assert {"changes": [], "next": end, "more": False} == nothing


def test_cursor_that_never_was_is_refused(program, sub):
    feed = told(program.get("/changes"))["next"]
    copy = told(program.get("/accounts"))["next"]
    bent = ("A" if feed[0] != "A" else "B") + feed[1:]
    for cursor in (
        copy,
        "",
        "x",
        "0",
        "%00",
        "%F0%9F%90%88",
        bent,
        feed + "=",
        feed + "A",
        "a" * 999,
    ):
        answer = program.get(f"/changes?after={cursor}")
        assert (400, "unknown-cursor") == problem(answer), cursor
    assert (400, "unknown-cursor") == problem(program.get(f"/accounts?after={feed}"))
    assert b"\x00" != urlsafe_b64decode(feed + "=" * (-len(feed) % 4))[-1:]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=1.0", "limit=x", "limit=%D9%A1",
     "limit=1&limit=1", "limit=9999999999999999999999", "page=2", "after=a&after=b"],
)  # fmt: skip
def test_wrong_query_is_refused(program, query):
    for name in ("accounts", "changes"):
        answer = program.get(f"/{name}?{query}")
        assert (400, "wrong-parameters") == problem(answer)


def test_limits_are_both_good(program):
    for limit in (1, 1000):
        assert 200 == program.get(f"/changes?limit={limit}").status


def test_cursor_behind_which_something_was_removed_is_gone(city, alone):
    program, _ = alone
    first = told(program.get("/changes?limit=1"))["next"]
    city.house.store._db.execute("UPDATE feed SET at = 0")
    city.house.hotline.purge_all(clock.now())
    answer = program.get(f"/changes?after={first}")
    assert (410, "cursor-too-old") == problem(answer)
    assert [] == told(program.get("/changes"))["changes"]
