"""What the portal asks of a store."""

from datetime import timedelta

import pytest

from smsgw.model import Feed
from smsgw.store import ClientRow, Conflict
from tests.house import AN, BINH, NOON, OTHER_TEXT, TEXT

CMND = "201234567"


@pytest.fixture
def account(house):
    house.text(AN, TEXT)
    return house.store.citizen_of_cmnd(CMND).account.account.id


def test_nobody(store):
    assert store.citizen(1) is store.citizen_of_cmnd(CMND) is store.citizen_of_sub("x") is None
    assert ([], 0, (0, 0), []) == (
        *(store.active_citizens(0, 9), store.last_active_number(), store.feed_bounds()),
        store.clients(),
    )


def test_a_sub_stays_the_first_one(house, account):
    store = house.store
    with store.transaction():
        store.add_subject(account, "first", NOON)
        store.add_subject(account, "second", NOON)
    assert "first" == store.citizen(account).sub == store.citizen_of_sub("first").sub
    assert store.citizen_of_sub("second") is None
    assert store.citizen(account).active_number is None


def test_answers_and_consent(house, account):
    store = house.store
    with store.transaction():
        store.set_answers(account, {"full_name": "Nguyễn Văn An"}, 1)
        store.set_answers(account, {"full_name": "Nguyễn Văn Ân"}, 2)
    assert ({"full_name": "Nguyễn Văn Ân"}, 2, None, None, None) == store.citizen(account).profile
    with store.transaction():
        store.set_consent(account, "2026-11", 2, NOON)
        store.set_answers(account, {}, 3)
    assert ({}, 3, NOON, "2026-11", 2) == store.citizen(account).profile


def test_a_hash_is_renewed_once(house, account):
    store = house.store
    old = store.citizen(account).account.password_hash
    with store.transaction():
        assert store.renew_hash(account, old, "new")
        assert not store.renew_hash(account, old, "newer")
        store.keep_mark(account, "digest", "mark")
    found = store.citizen(account)
    assert ("new", ("digest", "mark")) == (found.account.password_hash, found.renewed)


def test_nothing_of_a_transaction_that_failed(house, account):
    store = house.store
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.add_log_in(account, "page", "203.0.113.7", NOON)
        store.shut_name(CMND, account, "mark", 1 // 0)
    assert ([], None) == (store.log_ins(account, 9), store.shut_of(CMND))


def test_log_ins_the_latest_first(house, account):
    store = house.store
    with store.transaction():
        for day in range(3):
            store.add_log_in(account, "page", f"203.0.113.{day}", NOON + timedelta(days=day))
    assert ["203.0.113.2", "203.0.113.1"] == [each.address for each in store.log_ins(account, 2)]
    with store.transaction():
        assert 1 == store.purge_log_ins(NOON + timedelta(days=2), 1)
        assert 1 == store.purge_log_ins(NOON + timedelta(days=2), 9)
    assert ["203.0.113.2"] == [each.address for each in store.log_ins(account, 9)]


def test_disclosures_of_a_day(house, account):
    store = house.store
    with store.transaction():
        store.add_disclosures([account], "dvc", "openid", NOON)
        store.add_disclosures([account], "dvc", "openid", NOON + timedelta(hours=1))
        store.add_disclosures([account], "dvc", "openid profile", NOON)
    assert [(NOON, "dvc", "openid"), (NOON, "dvc", "openid profile")] == store.disclosures(account)
    assert [] == store.undisclosed([account], "dvc", "openid", NOON)
    tomorrow = NOON + timedelta(days=1)
    assert [account] == store.undisclosed([account], "dvc", "openid", tomorrow)
    assert [account] == store.undisclosed([account], "b", "openid", NOON)


def test_only_names_without_a_password_open_by_themselves(store):
    with store.transaction():
        store.shut_name("201234567", 1, "mark", NOON)
        store.shut_name("201234568", None, "", NOON)
        store.shut_name("201234569", None, "", NOON + timedelta(days=1))
        assert 1 == store.purge_shut_names(NOON + timedelta(days=1), 9)
    assert ("mark", NOON) == store.shut_of("201234567")
    assert store.shut_of("201234568") is None
    assert store.shut_of("201234569") is not None


def test_the_feed_tells_of_who_was_active(house, account):
    store = house.store
    with store.transaction():
        store.add_subject(account, "an", NOON)
        store.tell(account, Feed.CLOSED, NOON)
    assert [] == store.feed(0, 9)
    for day in range(3):
        house.hotline.set_password(CMND, f"ba con cho {day}", "linh", NOON + timedelta(days=day))
    told = store.feed(0, 9)
    assert [1, 2, 3] == [row.id for row in told]
    assert [Feed.ACTIVATED, Feed.PASSWORD_CHANGED, Feed.PASSWORD_CHANGED] == [
        row.type for row in told
    ]
    assert told[1:] == store.feed(1, 9)
    assert (1, NOON + timedelta(days=2)) == (
        *(store.citizen(account).active_number, store.citizen(account).updated_at),
    )


def test_the_feed_never_uses_a_number_twice(house, account):
    store = house.store
    for day in range(3):
        house.hotline.set_password(CMND, f"ba con cho {day}", "linh", NOON + timedelta(days=day))
    with store.transaction():
        assert 1 == store.purge_feed(NOON + timedelta(days=2), 1)
    assert (1, 3) == store.feed_bounds()
    with store.transaction():
        assert 2 == store.purge_feed(NOON + timedelta(days=9), 9)
    assert (3, 3) == store.feed_bounds()
    with store.transaction():
        store.tell(account, Feed.CLOSED, NOON)
    assert [4] == [row.id for row in store.feed(0, 9)]


def test_an_erased_citizen_leaves_a_sub_that_is_nobodys(house, account):
    store = house.store
    house.text(BINH, OTHER_TEXT)
    house.hotline.set_password(CMND, "ba con cho nho", "linh", NOON)
    sub = store.citizen(account).sub
    other = store.citizen_of_cmnd("201999999").account.account.id
    with store.transaction():
        for each in (account, other):
            store.set_answers(each, {"email": ""}, 1)
            store.add_log_in(each, "page", "203.0.113.7", NOON)
            store.add_disclosures([each], "dvc", "openid", NOON)
            store.add_profile_change(each, "data confirmed", "", "page", NOON)
        store.shut_name(CMND, account, "mark", NOON)
    house.hotline.close_account(CMND, "moved", "linh", NOON)
    assert [account] == store.closed_before(NOON + timedelta(days=1), 9)
    with store.transaction():
        store.erase_citizens([account], NOON)
    found = store.citizen(account)
    assert (None, None, [], None) == (
        *(found.sub, found.profile, store.portal_history(account), store.shut_of(CMND)),
    )
    assert store.citizen_of_sub(sub) is None
    assert Feed.ERASED is store.feed(0, 9)[-1].type
    assert 3 == len(store.portal_history(other))
    with pytest.raises(Conflict), store.transaction():
        store.add_subject(other, sub, NOON)


CLIENT = ClientRow(
    *(0, "dvc", "id1", "Cổng", ("https://b.vn/",), (), ("openid",), "required", False, None),
    *(NOON, None, (b"1" * 32,)),
)


def test_a_client_and_its_secrets(store):
    with store.transaction():
        store.add_client(CLIENT)
    found = store.client("id1")
    assert CLIENT == found._replace(id=0)
    assert [found] == store.clients()
    assert found == store.client_named("dvc")
    with store.transaction():
        store.add_client_secret(found.id, b"2" * 32, NOON - timedelta(days=1))  # a wrong clock
    assert (b"2" * 32, b"1" * 32) == store.client("id1").digests
    with store.transaction():
        store.keep_client_secret(found.id, b"2" * 32)
    assert (b"2" * 32,) == store.client("id1").digests
    with store.transaction():
        store.revoke_client(found.id, NOON)
    assert ((), NOON) == (store.client("id1").digests, store.client("id1").revoked_at)


def test_a_clients_name_is_given_once(store):
    with store.transaction():
        store.add_client(CLIENT)
    with pytest.raises(Conflict), store.transaction():
        store.add_client(CLIENT._replace(client_id="id2"))
