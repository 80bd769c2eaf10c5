"""How much the short-lived file keeps for clients: never more than can be asked for again."""

from datetime import UTC, datetime, timedelta

import pytest

from smsgw.portal.sessions import opened
from smsgw.portal.short import CodeRow, Limits, Promise, TokenRow, TransactionRow, grants, sql
from smsgw.portal.short.verbs import MOST_REPLACED
from tests.portal.short import rows

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
LIMITS = Limits(timedelta(minutes=30), timedelta(minutes=15), timedelta(hours=4))
MINUTE = timedelta(minutes=1)


def count(short, table):
    return rows(short, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - a table of ours


def code(number, at=NOW):
    return CodeRow(b"code %d" % number, "client", 1, "sid", "[]", at + MINUTE)


def token(number, account=1, code=None, at=NOW):
    key = b"token %d" % number
    until = at + 10 * MINUTE
    return TokenRow(key, "client", "openid", account, "mark", "sub", "sid", code, at, until)


def waits(number, at=NOW):
    return TransactionRow(b"browser %d" % number, "{}", "", at)


def later(number):
    return NOW + timedelta(milliseconds=number)


def test_an_account_has_so_many_codes_and_tokens_and_the_oldest_go(short):
    for number in range(grants.MOST_CODES + 5):
        short.grants.add_code(code(number, later(number)))
    for number in range(grants.MOST_TOKENS + 5):
        short.grants.add_token(token(number, at=later(number)))
    assert (grants.MOST_CODES, grants.MOST_TOKENS) == (
        count(short, "codes"),
        count(short, "tokens"),
    )
    assert short.grants.code(b"code 4") is None
    assert short.grants.token(b"token 5", NOW) is not None


def test_a_client_that_asks_without_end_has_the_latest_tokens(short, monkeypatch):
    monkeypatch.setattr(grants, "MOST_OF_CLIENT", 20)
    short.grants.add_token(token(999))
    for number in range(30):
        short.grants.add_token(token(number, None, at=later(number)))
    assert 21 == count(short, "tokens")


def test_what_has_lapsed_goes_and_a_used_code_stays_as_long_as_its_token(short):
    short.grants.add_code(code(1))
    short.grants.add_code(code(2))
    assert short.grants.spend(b"code 1", token(1, code=b"code 1"), NOW)
    assert not short.grants.spend(b"code 1", token(3, code=b"code 1"), NOW)
    short.forget(NOW + 2 * MINUTE, LIMITS)
    assert short.grants.code(b"code 1").spent
    assert short.grants.code(b"code 2") is None
    assert short.grants.token(b"token 1", NOW + 10 * MINUTE) is None
    short.forget(NOW + 11 * MINUTE, LIMITS)
    assert (0, 0) == (count(short, "codes"), count(short, "tokens"))


def test_a_flood_of_requests_pushes_out_none_of_who_is_logged_in(short, monkeypatch):
    monkeypatch.setattr(grants, "MOST_WAITING", 10)
    monkeypatch.setattr(grants, "_TRIM_EACH", 10)
    row = opened("t" * 43, account=1, mark="m", browser="b" * 43, now=NOW, narrow=False)
    short.add_session(row)
    mine = TransactionRow(row.browser, "{}", row.sid, NOW)
    short.grants.wait(mine, LIMITS)
    for number in range(100):
        short.grants.wait(waits(number, later(number)), LIMITS)
    assert short.grants.waiting(row.browser) == mine
    assert count(short, "transactions") <= 21
    assert short.grants.waiting(b"browser 99") is not None


def test_a_request_nobody_came_for_goes_and_one_of_who_is_logged_in_stays(short):
    row = opened("t" * 43, account=1, mark="m", browser="b" * 43, now=NOW, narrow=False)
    short.add_session(row)
    short.grants.wait(TransactionRow(row.browser, "{}", row.sid, NOW), LIMITS)
    short.grants.wait(waits(1), LIMITS)
    short.forget(NOW + LIMITS.absolute + MINUTE, LIMITS)
    assert short.grants.waiting(row.browser) is not None
    assert short.grants.waiting(b"browser 1") is None


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_documents_of_strangers_are_not_read_to_find_the_old_ones(short):
    values = {"before": 0, "most": grants.MOST_WAITING}
    plan = [
        row[-1] for row in rows(short, f"EXPLAIN QUERY PLAN {sql.FORGET_TRANSACTIONS}", **values)
    ]
    read = [step for step in plan if "transactions" in step]
    assert 3 == len(read)
    assert all("COVERING INDEX" in step or "PRIMARY KEY (browser=?)" in step for step in read), read


def test_own_passwords_without_end_leave_the_latest_sessions(short):
    row = opened("t" * 43, account=1, mark="m", browser="b" * 43, now=NOW, narrow=False)
    short.add_session(row)
    for number in range(100):
        key = b"%d" % number
        short.replace_session(row._replace(key=key, mark=str(number), seen_at=later(number)))
    assert MOST_REPLACED == count(short, "sessions")
    assert short.session(b"98") is not None
    assert short.session(b"99") is not None


def test_nothing_of_an_account_that_is_erased_is_left(short):
    short.grants.add_code(code(1))
    short.grants.add_token(token(1))
    short.forget_account(1)
    assert (0, 0) == (count(short, "codes"), count(short, "tokens"))


def test_promise_that_was_kept_at_another_portal_is_not_made_again(short):
    key, mine = b"key", Promise(b"key", b"body", 1, "mark", NOW)
    short.make_promise(mine)
    short.make_promise(mine._replace(mark="later"))  # nothing came of the first
    short.keep_promise(key)
    short.make_promise(mine._replace(mark="another", at=NOW + MINUTE))
    assert mine._replace(mark="later", kept=True) == short.promise(key, NOW + MINUTE)
    short.make_promise(mine._replace(mark="next day", at=NOW + 24 * 60 * MINUTE))
    assert not short.promise(key, NOW + 24 * 60 * MINUTE).kept
