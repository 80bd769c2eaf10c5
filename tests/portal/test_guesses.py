"""Who guesses at `/dang-nhap`: a portal for each case, since an address may guess so often only."""

import re
import threading
import time

from tests.portal.conftest import CMND, OWN


def test_after_five_wrong_ones_a_stranger_waits_and_nothing_is_judged(city, browser):
    city.own()
    for _ in range(5):
        assert 422 == browser.log_in(CMND, "sai").status
    answer = browser.log_in(CMND, OWN)
    assert 429 == answer.status
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert re.fullmatch(
        r"Đã nhập sai nhiều lần cho tên tài khoản này. Hãy thử lại sau \d+ giây. Nhập lại trước "
        r"lúc đó không được kiểm tra và không làm thời gian chờ dài thêm.",
        answer.notice,
    )
    assert {} == answer.faults


def test_name_that_nobody_has_is_waited_for_likewise(city, browser):
    statuses = [browser.log_in("999999999", "sai").status for _ in range(6)]
    assert [422] * 5 + [429] == statuses


def test_owners_browser_opens_while_strangers_wait(city, browser):
    city.own()
    assert 303 == browser.log_in(CMND, OWN).status
    browser.log_out()
    stranger = city.browser()
    assert 429 == [stranger.log_in(CMND, "sai").status for _ in range(6)][-1]
    assert 303 == browser.log_in(CMND, OWN).status
    browser.log_out()
    assert [422] * 10 + [429] == [browser.log_in(CMND, "sai").status for _ in range(11)]


def test_new_password_ends_the_wait(city, browser):
    city.own()
    for _ in range(6):
        browser.log_in(CMND, "sai")
    password = city.reset()
    assert 303 == browser.log_in(CMND, password).status


def test_restart_keeps_the_counters(city, browser):
    for _ in range(5):
        browser.log_in("999999999", "sai")
    city.stop()
    city.start()
    assert 429 == browser.log_in("999999999", "sai").status


def test_two_hundred_guesses_at_once_are_five(city):
    city.own()
    form = city.browser()
    token = form.get("/dang-nhap").token
    fields = {"token": token, "username": CMND, "password": "sai"}
    statuses = []

    def guess():
        one = city.browser()
        one.jar = dict(form.jar)
        statuses.append(one.post("/dang-nhap", fields).status)

    guessers = [threading.Thread(target=guess) for _ in range(200)]
    for each in guessers:
        each.start()
    for each in guessers:
        each.join()
    assert 5 == statuses.count(422)
    assert set(statuses) <= {422, 429, 503}
    assert 5 == city.log.count("outcome=wrong")


def test_locked_database_counts_nothing(city, browser):
    city.own()
    for _ in range(4):
        browser.log_in(CMND, "sai")
    with city.house.store.transaction():
        for _ in range(2):
            answer = browser.log_in(CMND, OWN)
            assert 503 == answer.status
            assert answer.headers["retry-after"]
            assert answer.notice.startswith("Hệ thống đang bận, yêu cầu của bạn chưa được xử lý.")
            assert CMND == answer.value("username")
    assert 303 == browser.log_in(CMND, OWN).status


def test_failed_tries_write_nothing_into_the_database(city, browser):
    city.own()
    with city.house.store.transaction():  # whoever wants to write would wait
        began = time.monotonic()
        assert 422 == browser.log_in(CMND, "sai").status
        assert time.monotonic() - began < 2
