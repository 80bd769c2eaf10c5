"""What is kept of one person, and what is left of it afterwards, asked of every engine."""

from datetime import date, timedelta

from smsgw.clock import stamp
from smsgw.model import Address, AuditEntry, Direction, MtState, Part, Receipt, Taken
from smsgw.store import NO_END, Reservation, Share
from tests.house import AN, BINH, NOON, OTHER_TEXT, TEXT

PHONE = "+" + AN


def settle_in(house):
    """An's registration, a try before it, and what else is kept of a phone; Binh's beside it."""
    house.text(AN, "TK")
    house.later(minutes=1)
    house.text(AN, TEXT)
    house.text(BINH, OTHER_TEXT)
    house.settle(Taken(2, "A1"), Taken(4, "A2"))
    house.take(house.mo(AN, None, part=Part("7", 2, 1, 0, b"TK,", (0, 0))))
    house.receive(Receipt("viettel", "999", MtState.FAILED, "UNDELIV", Address(AN, 1, 1)))
    row = house.hotline.exact(AN)
    return row, Share(row.subscriber_id, PHONE)


def test_share_of_a_phone_is_told_whole_and_by_its_time(house):
    row, share = settle_in(house)
    store = house.store
    told = store.own_messages(share)
    assert [1, 2, 3, 4] == [message.id for message in told]
    assert [None, 1, None, 3] == [message.answers for message in told]
    assert [None, "A1", None, "A2"] == [message.smsc_id for message in told]
    assert [Direction.MO, Direction.MT] * 2 == [message.direction for message in told]
    registered = stamp(row.account.registered_at)
    assert [1, 2] == [m.id for m in store.own_messages(share._replace(ends=registered))]
    assert [3, 4] == [m.id for m in store.own_messages(share._replace(begins=registered))]
    assert [b"TK,"] == [part.octets for part in store.own_parts(share)]
    assert [("999", "failed")] == [(r.smsc_id, r.state) for r in store.own_early_receipts(share)]
    assert [] == store.own_surplus(share)


def test_what_is_erased_is_gone_and_the_rest_is_there(house):
    row, share = settle_in(house)
    house.hotline.close_account(AN, "asked", "linh", house.now)
    ids = house.store.last_ids()
    with house.store.transaction():
        assert (2, True) == house.store.erase_texts(share, 1)
        assert (2, True) == house.store.erase_texts(share, 1)
        assert (0, False) == house.store.erase_texts(share, 1)
        house.store.erase_account(row.account.id)
    assert ids == house.store.last_ids()
    assert [] == house.store.accounts_of_phone(PHONE)
    assert {} == house.store.senders([PHONE])[0]
    assert [5, 6] == sorted(message.id for message in house.store.messages())
    assert [] == house.store.own_parts(share)
    assert [] == house.store.own_early_receipts(share)
    assert [] == house.store.own_audit(row.account.id)
    assert ["*****567"] == [line.account for line in house.store.audit()]


def test_open_account_cannot_be_erased_by_mistake(house):
    row, _ = settle_in(house)
    house.hotline.reset_password(AN, "linh", house.now)
    with house.store.transaction():
        house.store.erase_account(row.account.id)
    assert row.account.id == house.account().id
    assert 2 == len(house.store.account_history(row.account.id))
    assert 1 == len(house.store.own_audit(row.account.id))


def test_accounts_that_never_were_active(house):
    for number in range(3):
        house.text(f"8490500000{number}", f"TK,Le Van C,20000000{number},01.01.1980")
        house.later(hours=1)
    house.hotline.set_password("0905000001", "correct horse", "linh", house.now)
    at = [stamp(house.now - timedelta(hours=3 - number)) for number in range(3)]
    assert [(1, at[0]), (3, at[2])] == house.store.never_active(0, 3)
    assert [(3, at[2])] == house.store.never_active(1, NO_END)
    assert [] == house.store.never_active(1, 2)
    house.hotline.reset_password("0905000001", "linh", house.now)
    assert [(1, at[0]), (3, at[2])] == house.store.never_active(0, 3)


def test_account_is_put_right(house):
    row, _ = settle_in(house)
    with house.store.transaction():
        house.store.correct_account(
            row.account.id, "Le An", date(1991, 2, 3), "mobi", Address("0905123456", 2, 1)
        )
    found = house.hotline.exact(AN)
    assert ("Le An", date(1991, 2, 3)) == (found.account.full_name, found.account.birth_date)
    assert ("mobi", Address("0905123456", 2, 1)) == (found.account.link, found.address)


def test_reservations_of_a_cmnd_and_of_a_phone(house):
    ends = house.now + timedelta(days=7)
    with house.store.transaction():
        house.store.reserve("201234567", Reservation("+84905777001", ends))
        house.store.reserve("201999999", Reservation(PHONE, ends))
    kept = house.store.own_reservations("201234567", PHONE)
    assert ["201234567", "201999999"] == [each.cmnd for each in kept]
    with house.store.transaction():
        house.store.erase_reservations_for(PHONE)
    assert ["201234567"] == [e.cmnd for e in house.store.own_reservations("201234567", PHONE)]


def test_texts_that_may_name_a_cmnd_and_other_words_for_them(house):
    for number, text in enumerate(("201 234 567", "2012.34567 An", "201999999", "Đào ２０１", "x")):
        house.text(f"8490500000{number}", text)
    found = [text for texts in house.store.texts_naming("201234567") for text in texts]
    assert ["201 234 567", "2012.34567 An", "Đào ２０１"] == [text for _, text in found]
    with house.store.transaction():
        house.store.set_text(found[0][0], "(erased)")
    assert "(erased)" == house.store.messages(phone="+84905000000")[-1].text


def test_histories_name_a_phone_no_more(house):
    row, _ = settle_in(house)
    house.hotline.close_account(AN, "for +84905777001", "linh", house.now, reserve_for="0905777001")
    with house.store.transaction():
        house.store.mask_in_history([row.account.id], "+84905777001", "*****001")
    told = house.store.account_history(row.account.id)
    assert not [entry for entry in told if "777" in f"{entry.event} {entry.reason}"]
    assert "for *****001" == told[-1].reason


def test_audit_of_one_account_is_told_from_that_of_its_namesakes(store):
    with store.transaction():
        for account in (7, 8, None):
            store.note(NOON, "linh", "accounts show", "*****567", "", account_id=account)
    assert [AuditEntry(NOON, "linh", "accounts show", "*****567", "")] == store.own_audit(7)
