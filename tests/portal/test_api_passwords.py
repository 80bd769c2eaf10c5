"""`/api/v1/password/…`: verify and change, over HTTP."""

import json
import threading
from datetime import timedelta

import pytest

from smsgw import clock
from tests.portal.conftest import CMND, OWN, newcomer
from tests.portal.program import Program, problem, told
from tests.portal.short import rows

NEW = "con meo den nho"
NOBODY = "999999999"


@pytest.fixture
def city(anywhere):
    return anywhere


@pytest.fixture
def program(city):
    return Program(city)


@pytest.fixture(scope="module")
def stranger(anywhere):
    """A program where there is nobody to ask for."""
    return Program(anywhere)


def own_passwords(city, cmnd):
    """By whom own passwords were chosen."""
    story = city.house.hotline.history(cmnd)
    return [entry.actor for entry in story if getattr(entry, "event", "") == "own password"]


# --- verify -------------------------------------------------------------------------------------


def test_right_password_tells_what_is_still_to_be_done(city, program, person, cmnd):
    password = city.register(**person)
    issued = told(program.verify(cmnd, password))
    assert (True, True, True) == (
        issued["valid"],
        issued["must_change"],
        issued["must_complete"],
    )
    other = city.own(**newcomer())
    active = told(program.verify(other, OWN))
    assert (False, True) == (active["must_change"], active["must_complete"])
    city.complete(other)
    whole = told(program.verify(other, OWN))
    assert {"valid": True, "must_change": False, "must_complete": False} | {
        "sub": active["sub"]
    } == whole
    assert issued["sub"] != whole["sub"]


def test_marks_upon_marks_cost_the_loop_little(city, program, cmnd):
    marks, names = "\u0f73" * 5000, [str(number) for number in range(300_000_000, 300_000_008)]
    program.verify(cmnd, "x")  # with a token that counts for the next ones
    before = city.spent()
    for username, password in [(marks, "x"), *((name, marks) for name in names)]:
        document = {"username": username, "password": password}
        body = json.dumps(document, ensure_ascii=False).encode()
        assert not told(program.ask("POST", "/password/verify", body))["valid"]
    assert city.spent() - before < 9 * 5


def test_issued_password_is_read_as_phones_spoil_it(city, program, person, cmnd):
    password = city.register(**person)
    typed = f"{cmnd[:3]} {cmnd[3:6]} {cmnd[6:]}"
    assert told(program.verify(typed, f" {password.upper()}.\n"))["valid"]


def test_wrong_closed_and_unknown_ones_are_told_alike(city, program, person, cmnd):
    city.own(**person)
    closed = city.own(**newcomer())
    city.house.hotline.close_account(closed, "asked", "test", clock.now())
    names = (cmnd, closed, NOBODY, "nguyen", "", "a" * 9000)
    answers = [program.verify(name, "sai mat khau") for name in names]
    assert {(200, b'{"valid":false}')} == {(each.status, each.body) for each in answers}
    heads = [{k: v for k, v in a.headers.items() if k not in ("date", "x-request-id")}
             for a in answers]  # fmt: skip
    assert all(head == heads[0] for head in heads)


def test_good_verify_is_a_log_in_by_way_of_that_client(city, program, person, cmnd):
    city.own(**person)
    program.verify(cmnd, "sai")
    program.verify(cmnd, OWN, address="203.0.113.7")
    [entry] = city.citizens.log_ins(city.account(cmnd).id, 5)
    assert (program.name, "203.0.113.7") == (entry.how, entry.address)


def test_flood_of_wrong_ones_is_told_to_wait_and_a_page_waits_as_well(
    city, program, browser, person, cmnd
):
    city.own(**person)
    assert [200] * 5 == [program.verify(cmnd, "sai").status for _ in range(5)]
    answer = program.verify(cmnd, OWN)
    assert (429, "name-waits") == problem(answer)
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert 429 == browser.log_in(cmnd, OWN).status
    assert (429, "name-waits") == problem(program.change(cmnd, OWN, NEW))


def test_wrong_ones_of_a_page_count_for_programs(city, program, browser, cmnd):
    for _ in range(5):
        browser.log_in(cmnd, "sai")
    assert 429 == program.verify(cmnd, "sai").status


def test_name_that_is_shut_waits_an_hour(city, program, person, cmnd):
    city.own(**person)
    city.citizens.shut(cmnd, city.mark(cmnd), clock.now())
    answer = program.verify(cmnd, OWN)
    assert (429, "name-shut") == problem(answer)
    assert "3600" == answer.headers["retry-after"]
    assert told(program.verify(cmnd, city.reset(cmnd)))["valid"]


def test_address_of_the_citizen_counts_and_that_of_the_caller_never(city, program, person, cmnd):
    names = [str(900_000_000 + number) for number in range(21)]
    assert {200} == {program.verify(name, "sai").status for name in names}
    names = [str(910_000_000 + number) for number in range(21)]
    answers = [program.verify(name, "sai", address="203.0.113.9") for name in names]
    assert [200] * 20 == [answer.status for answer in answers[:20]]
    assert (429, "address-waits") == problem(answers[20])
    city.own(**person)
    assert 429 == program.verify(cmnd, OWN, address="::ffff:203.0.113.9").status
    assert told(program.verify(cmnd, OWN))["valid"]


@pytest.mark.parametrize("address", ["", "here", "1.2.3", "fe80::1%eth0", "1.2.3.4:80", "::g"])
def test_address_that_is_none_is_refused(stranger, address):
    answer = stranger.verify(CMND, "x", address=address)
    assert (422, "wrong-fields") == problem(answer)
    assert ["/address"] == [error["pointer"] for error in told(answer)["errors"]]


def test_two_hundred_at_a_time_are_judged_five_times(city, program, person, cmnd):
    city.own(**person)
    answers = []

    def guess():
        answers.append(program.verify(cmnd, "sai").status)

    guessers = [threading.Thread(target=guess) for _ in range(200)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    assert answers.count(200) <= 5
    assert {200, 429, 503} >= set(answers)


# --- change -------------------------------------------------------------------------------------


def test_own_password_takes_the_place_of_the_issued_one(city, program, person, cmnd):
    password = city.register(**person)
    answer = program.change(cmnd, password, NEW)
    assert (200, {"state": "active"}) == (answer.status, told(answer))
    assert not told(program.verify(cmnd, password))["valid"]
    assert told(program.verify(cmnd, NEW)) | {"sub": ""} == {
        "valid": True, "must_change": False, "must_complete": True, "sub": ""}  # fmt: skip
    assert [program.name] == own_passwords(city, cmnd)


def test_diacritics_are_taken_as_they_are(city, program, person, cmnd):
    password = city.register(**person)
    assert 200 == program.change(cmnd, password, "Đường về nhà xa").status
    assert told(program.verify(cmnd, "Đường về nhà xa"))["valid"]


def test_session_of_the_pages_ends_with_its_password(city, program, browser, person, cmnd):
    city.whole(**person)
    browser.log_in(cmnd, OWN)
    assert 200 == browser.get("/tai-khoan").status
    program.change(cmnd, OWN, NEW)
    assert 303 == browser.get("/tai-khoan").status


def test_wrong_password_changes_nothing_and_hears_nothing_of_the_new_one(
    city, program, person, cmnd
):
    city.own(**person)
    closed = city.own(**newcomer())
    city.house.hotline.close_account(closed, "asked", "test", clock.now())
    bodies = set()
    for name in (cmnd, closed, NOBODY):
        answer = program.change(name, "sai", "x")  # too short besides
        assert (403, "wrong-password") == problem(answer)
        bodies.add(answer.body)
    assert 1 == len(bodies)


REFUSED = {
    "too_short": "ngan",
    "too_long": "a b " * 40,
    "control_characters": "con meo\x00den",
    "same_as_old": OWN,
    "personal": "nguyenvanan1990",
    "repeated": "aaaaaaaaaaaa",
    "common": "matkhau123",
}


def test_refused_password_is_told_its_reason(city, program, person, cmnd):
    city.own(**person)
    for reason, password in REFUSED.items():
        answer = program.change(cmnd, OWN, password)
        assert (422, "password-refused") == problem(answer)
        assert reason == told(answer)["reason"]
        assert f"call=change client={program.name} outcome={reason} " in city.log
    assert told(program.verify(cmnd, OWN))["valid"]


def test_first_reason_is_told(city, program, person, cmnd):
    city.own(**person)
    assert "too_short" == told(program.change(cmnd, OWN, "\x00"))["reason"]
    password = city.reset(cmnd)
    assert "same_as_old" == told(program.change(cmnd, password, f"{password.upper()} "))["reason"]


def test_of_two_changes_at_a_time_one_opens_the_account(city, program, person, cmnd):
    city.own(**person)
    words = [f"con meo so {number} xanh" for number in range(5)]
    answers = {}

    def change(word):
        answers[word] = program.change(cmnd, OWN, word)

    changers = [threading.Thread(target=change, args=(word,)) for word in words]
    for each in changers:
        each.start()
    for each in changers:
        each.join()
    good = [word for word, answer in answers.items() if 200 == answer.status]
    assert 1 == len(good)
    assert {409, 403} >= {answer.status for word, answer in answers.items() if word not in good}
    for answer in answers.values():
        if answer.status == 409:
            assert (409, "password-moved") == problem(answer)
    assert told(program.verify(cmnd, good[0]))["valid"]


# --- once more ----------------------------------------------------------------------------------


def test_who_did_not_hear_the_answer_asks_again_and_hears_it(city, program, person, cmnd):
    city.own(**person)
    first = program.change(cmnd, OWN, NEW, key="3f6c")
    city.stop()
    city.start()
    again = program.change(cmnd, OWN, NEW, key="3f6c")
    assert (200, first.body) == (again.status, again.body)
    assert ["page", program.name] == own_passwords(city, cmnd)
    assert (403, "wrong-password") == problem(program.change(cmnd, OWN, NEW))


def test_key_of_another_body_is_refused(city, program, person, cmnd):
    city.own(**person)
    program.change(cmnd, OWN, NEW, key="3f6c")
    for other in ((cmnd, OWN, NEW + " x"), (NOBODY, OWN, NEW), (cmnd, "sai", NEW)):
        answer = program.change(*other, key="3f6c")
        assert (422, "idempotency-key-reused") == problem(answer)
    assert 403 == Program(city).change(cmnd, OWN, NEW, key="3f6c").status


def test_key_of_a_refused_change_may_be_used_again(city, program, person, cmnd):
    city.own(**person)
    assert 422 == program.change(cmnd, OWN, "ngan", key="3f6c").status
    assert 200 == program.change(cmnd, OWN, NEW, key="3f6c").status


def test_the_same_request_twice_at_a_time_changes_once(city, program, person, cmnd):
    city.own(**person)
    answers = []

    def change():
        answers.append(program.change(cmnd, OWN, NEW, key="3f6c"))

    changers = [threading.Thread(target=change) for _ in range(4)]
    for each in changers:
        each.start()
    for each in changers:
        each.join()
    assert [200] * 4 == [answer.status for answer in answers]


def test_key_lives_for_a_day(make_city):
    from smsgw.portal.short import open_short

    city = make_city()  # where there is no other key
    city.own()
    program = Program(city)
    program.change(CMND, OWN, NEW, key="3f6c")
    short = open_short(city.house.settings, make=False)
    [key] = [row[0] for row in rows(short, "SELECT key FROM promises")]
    assert short.promise(key, clock.now() + timedelta(hours=23, minutes=59)).kept
    assert short.promise(key, clock.now() + timedelta(hours=24, minutes=1)) is None
    short.forget_account(city.account().id)
    assert short.promise(key, clock.now()) is None
    short.close()


def test_what_broke_off_between_the_two_files_is_known_by_the_password(city, program, person, cmnd):
    """The change is in the database; portal.db was not told."""
    from smsgw.portal.short import open_short

    city.own(**person)
    program.change(cmnd, OWN, NEW, key="3f6c")
    short = open_short(city.house.settings, make=False)
    rows(short, "UPDATE promises SET kept = 0")
    short.close()
    assert 200 == program.change(cmnd, OWN, NEW, key="3f6c").status
    city.reset(cmnd)
    assert 403 == program.change(cmnd, OWN, NEW, key="3f6c").status


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe9"])
def test_key_that_is_none_is_refused(stranger, key):
    answer = stranger.change(CMND, OWN, NEW, key=key)
    assert (400, "bad-idempotency-key") == problem(answer)
