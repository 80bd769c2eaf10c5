"""Whose texts are whose, when a citizen asks for them or wants to be forgotten."""

from datetime import date

import pytest

from smsgw.database import Server
from smsgw.errors import Ambiguous, Closed, Contradiction, NoAccount, StillOpen, UnknownLink
from smsgw.gateway import Correction
from smsgw.model import AccountState, Address, MtState, Part, Receipt, Taken
from tests.house import AN, BINH, OTHER_TEXT, TEXT, story_of

CMND, OTHER_CMND = "201234567", "201999999"
NEXT_TEXT = f"TK,Le Thi Cuc,{OTHER_CMND},03.04.1985"


def correct(house, key=AN, **right):
    return house.hotline.rights.correct(key, Correction(**right), "misspelt", "linh", house.now)


def export(house, key=AN):
    return house.hotline.rights.export(key, house.now)[1]


def close(house, key=AN, **more):
    return house.hotline.close_account(key, "asked", "linh", house.now, **more)


def erase(house, key=AN):
    rights = house.hotline.rights
    return rights.erase(rights.to_erase(key), "asked", "linh", house.now)


def in_file(house):
    """What of them the files of the database hold, free pages and log included; of a server the
    rows."""
    assert house.store.truncate_log()
    if isinstance(house.path, Server):
        tables = house.store.tables()
        rows = [house.store.rows_after(table, None, 10_000) for table in tables]
        octets = repr(rows).encode()
    else:
        octets = b"".join(file.read_bytes() for file in house.path.parent.glob("smsgw.db*"))
    return lambda *words: [word for word in words if word.encode() in octets]


# --- put right ----------------------------------------------------------------------------------


def test_name_and_date_are_put_right_and_the_history_has_both(house):
    house.text(AN, TEXT)
    account, changes = correct(house, name="Nguyen Van Anh", birth_date=date(1990, 1, 2))
    assert ("Nguyen Van Anh", date(1990, 1, 2)) == (account.full_name, account.birth_date)
    last = story_of(house.hotline.history(AN))[-1]
    assert "corrected" == last.what
    assert (
        "name from Nguyen Van An to Nguyen Van Anh, "
        "date of birth from 1990-02-01 to 1990-01-02" == last.detail
    )
    assert ("linh", "misspelt") == (last.actor, last.reason)
    (line,) = house.hotline.audit()
    assert ("accounts correct", "*****567") == (line.command, line.account)
    assert "name, date of birth: misspelt" == line.detail
    assert 2 == len(changes)


def test_what_is_so_already_is_not_changed(house):
    house.text(AN, TEXT)
    assert [] == correct(house, name="Nguyen Van An").changes
    assert not [e for e in story_of(house.hotline.history(AN)) if e.what.startswith("corrected")]


def test_number_that_moved_is_reminded_by_its_new_carrier_in_a_form_that_all_read(house):
    house.text("0905123456", TEXT, ton=2)
    correct(house, link="mobi")
    house.later(days=3)
    house.gateway.expire(house.now)
    (mt,) = house.claim("mobi").mts
    assert ("84905123456", 1, 1) == mt.to
    assert [] == [mt for mt in house.claim("viettel").mts if mt.reminder]


def test_link_of_the_same_carrier_is_told_the_number_as_that_carrier_writes_it(house):
    house.configure(viettel="one", mobi="one", vina="other")
    house.text("0905123456", TEXT, ton=2)
    correct(house, link="mobi")
    assert ("0905123456", 2, 1) == house.hotline.exact(AN).address


def test_texts_by_the_new_carrier_are_the_citizens_own_and_by_the_old_one_no_more(make_house):
    house = make_house(registration={"repeat": "reset"})
    house.text(AN, TEXT)
    correct(house, link="mobi")
    assert "already_registered" == house.text(AN, TEXT + ".", link="viettel")[0]
    assert "registered" == house.text(AN, TEXT + ";", link="mobi")[0]


def test_link_that_there_is_not_is_refused_with_those_that_there_are(house):
    house.text(AN, TEXT)
    with pytest.raises(UnknownLink) as refused:
        correct(house, link="vina")
    assert ["viettel", "mobi"] == refused.value.links
    assert "viettel" == house.account().link


def test_closed_account_is_not_put_right(house):
    house.text(AN, TEXT)
    close(house)
    with pytest.raises(Closed):
        correct(house, name="Nguyen Van Anh")


def test_date_that_a_personal_number_contradicts_is_refused_where_that_is_checked(make_house):
    house = make_house(registration={"check_personal_number": True})
    house.text(AN, "TK,Nguyen Van An,048090001234,01.02.1990")
    with pytest.raises(Contradiction):
        correct(house, birth_date=date(1991, 2, 1))
    correct(house, birth_date=date(1990, 3, 1))


# --- tell all -----------------------------------------------------------------------------------


def test_export_has_what_is_kept_of_the_person_and_of_nobody_else(house):
    house.text(AN, "TK,Nguyen Van An")
    house.text(AN, TEXT)
    house.text(BINH, OTHER_TEXT)
    house.settle(Taken(2, "id2"), Taken(4, "id4"), Taken(6, "id6"))
    assert not house.opens(AN, "a wrong one")
    house.hotline.reset_password(AN, "linh", house.now, "forgot it")
    told = export(house)
    (account,) = told["accounts"]
    assert (CMND, "1990-02-01") == (account["username"], account["birth_date"])
    assert ["registered", "new password"] == [line["what"] for line in account["history"]]
    directions = [message.direction for message in told["messages"]]
    assert ["mo", "mt", "mo", "mt", "mt"] == directions
    assert all("MK: ***" in m.text for m in told["messages"] if "MK: " in (m.text or ""))
    assert {"+" + AN} == {message.phone for message in told["messages"]}
    assert ["accounts verify-password", "accounts reset-password"] == [
        line.command for line in told["audit"]
    ]
    assert ["id2", "id4"] == [m.smsc_id for m in told["messages"] if m.smsc_id]


def test_wrong_passwords_receipts_parts_counts_and_reservations_are_told(make_house):
    house = make_house(limits={"replies_per_phone_per_hour": 1})
    house.text(AN, TEXT)
    assert not house.opens(AN, "a wrong one")
    for number in range(110):
        house.text(AN, f"xin chao {number}")
    house.receive(Receipt("viettel", "999", MtState.DELIVERED, "DELIVRD", Address(AN, 1, 1)))
    part = Part("7", 2, 1, 0, b"TK,Nguyen", (0, 0))
    house.take(house.mo(AN, None, part=part))
    told = export(house)
    assert 1 == told["accounts"][0]["wrong_passwords"]
    assert [11] == [each.number for each in told["counted"]]
    assert ["999"] == [each.smsc_id for each in told["early_receipts"]]
    assert [b"TK,Nguyen"] == [each.octets for each in told["parts"]]
    close(house, reserve_for="0905777001")
    assert ["+84905777001"] == [each.phone for each in export(house)["reservations"]]


def test_closed_and_new_account_of_one_citizen_are_both_told(house):
    house.text(AN, TEXT)
    close(house)
    house.later(days=1)
    house.text(BINH, TEXT)
    told = export(house, BINH)
    assert ["closed", "issued"] == [account["state"] for account in told["accounts"]]
    assert ["+" + AN, "+" + BINH] == told["phones"]


def test_next_owner_of_a_number_is_told_nothing_of_the_last(house):
    house.text(AN, TEXT)
    house.later(hours=1)
    close(house)
    house.later(hours=1)
    house.text(AN, "TK,Le Thi Cuc")  # whose try? nobody is told
    house.later(hours=1)
    house.text(AN, NEXT_TEXT)
    assert [CMND] == [a["username"] for a in export(house, f"cmnd:{CMND}")["accounts"]]
    assert [TEXT] == [
        m.text for m in export(house, f"cmnd:{CMND}")["messages"] if m.direction == "mo"
    ]
    assert [NEXT_TEXT] == [m.text for m in export(house)["messages"] if m.direction == "mo"]


def test_last_owner_of_a_number_is_told_no_tries_of_whoever_has_it_now(house):
    house.text(AN, TEXT)
    house.later(hours=1)
    close(house)
    house.later(hours=1)
    house.text(AN, f"TK,Le Thi Cuc,{OTHER_CMND}")
    assert [TEXT] == [m.text for m in export(house)["messages"] if m.direction == "mo"]
    erase(house)
    assert [] == in_file(house)(AN, OTHER_CMND)


def test_phone_without_an_account_is_told_its_texts(house):
    house.text(AN, "xin chao")
    told = export(house)
    assert [] == told["accounts"]
    assert "xin chao" == told["messages"][0].text
    with pytest.raises(NoAccount):
        export(house, BINH)


def test_key_that_fits_two_is_refused(house):
    house.text("84905777001", "TK,Le Hoa,301234567,1.2.1990")
    house.text(BINH, "TK,Pham Tam,905777001,1.2.1991")
    with pytest.raises(Ambiguous):
        export(house, "905777001")
    close(house, "phone:905777001")
    with pytest.raises(Ambiguous):
        erase(house, "905777001")


# --- forget -------------------------------------------------------------------------------------


def test_nothing_of_who_is_erased_is_in_the_files_and_ids_are_not_used_again(house):
    house.text(AN, "TK,Nguyen Van An")
    house.text(AN, TEXT)
    house.take_all()
    house.hotline.reset_password(AN, "linh", house.now, "forgot it")
    house.text(BINH, TEXT)  # somebody tries to register that CMND
    part = Part("7", 2, 1, 0, b"TK,Nguyen Van An", (0, 0))
    house.take(house.mo(AN, None, part=part))
    house.receive(Receipt("viettel", "999", MtState.DELIVERED, "DELIVRD", Address(AN, 1, 1)))
    close(house)
    ids = house.store.last_ids()
    done = erase(house)
    assert (CMND, 5, 1) == (done.username, done.texts, done.named)
    assert [] == in_file(house)(CMND, AN, "Nguyen Van An", "1990-02-01")
    assert ids == house.store.last_ids()
    assert ["(erased)"] == [m.text for m in house.store.messages(direction="mo")]
    with pytest.raises(NoAccount):
        house.hotline.look_up(CMND)
    assert ["accounts reset-password", "accounts close", "accounts erase"] == [
        line.command for line in house.hotline.audit()
    ]
    assert [("*****567", "asked")] == [
        (line.account, line.detail) for line in house.hotline.audit() if "erase" in line.command
    ]
    assert "registered" == house.text(AN, TEXT)[0]
    assert [] == export(house)["audit"]  # of who comes anew, and not of who was before


def test_open_account_is_not_erased(house):
    house.text(AN, TEXT)
    with pytest.raises(StillOpen):
        erase(house)
    assert AccountState.ISSUED is house.account().state


def test_of_two_that_are_closed_the_last_goes_first_and_the_open_one_stays(house):
    for phone in (AN, BINH):
        house.text(phone, TEXT)
        house.later(days=1)
        close(house, CMND)
        house.later(days=1)
    house.text("84905000003", TEXT)
    assert "+" + BINH == house.hotline.rights.to_erase(CMND).account.phone
    erase(house, CMND)
    assert [] == in_file(house)(BINH)
    erase(house, CMND)
    assert [] == in_file(house)(AN)
    assert [CMND, "84905000003"] == in_file(house)(CMND, "84905000003")
    with pytest.raises(StillOpen):
        erase(house, CMND)


def test_open_account_of_the_same_phone_keeps_its_own_texts(house):
    house.text(AN, TEXT)
    house.later(hours=1)
    close(house)
    house.later(hours=1)
    house.text(AN, f"TK,{CMND}")  # before the next one registers
    house.later(hours=1)
    house.text(AN, NEXT_TEXT)
    house.later(hours=1)
    house.text(AN, "xin chao")
    assert 4 == erase(house).texts
    assert [] == in_file(house)(CMND, "Nguyen Van An")
    messages = export(house)["messages"]
    assert [NEXT_TEXT, "xin chao"] == [m.text for m in messages if m.direction == "mo"]
    assert 2 == sum(m.direction == "mt" for m in messages)
    assert AccountState.ISSUED is house.account().state


def test_first_owner_of_a_number_keeps_what_was_before_the_second(house):
    house.text(AN, "TK,Nguyen Van An")
    house.text(AN, TEXT)
    house.later(hours=1)
    close(house)
    house.later(hours=1)
    house.text(AN, NEXT_TEXT)
    house.later(hours=1)
    close(house)
    erase(house)
    assert [] == in_file(house)(OTHER_CMND, "Le Thi Cuc")
    assert 2 == sum(m.direction == "mo" for m in export(house)["messages"])


def test_what_was_kept_for_somebody_goes_and_is_said(house):
    house.text(AN, TEXT)
    close(house, reserve_for="0905777001")
    (freed,) = erase(house).freed
    assert "+84905777001" == freed.phone
    assert house.hotline.reservation(CMND, house.now) is None
    assert [] == in_file(house)(CMND, "84905777001")


def test_owner_whose_cmnd_was_kept_stands_in_no_strangers_history_afterwards(house):
    house.text(AN, TEXT)
    close(house, reserve_for=BINH)
    house.later(hours=1)
    house.text(BINH, TEXT)
    close(house, BINH)
    erase(house, BINH)
    assert [] == in_file(house)(BINH)
    assert "+" + AN == house.account().phone


def test_what_was_cut_off_goes_on_with_the_next_call(house, monkeypatch):
    from smsgw.gateway import rights

    monkeypatch.setattr(rights, "_TEXTS_AT_ONCE", 2)
    house.text(AN, TEXT)
    for number in range(6):
        house.text(AN, f"xin chao {number}")
    close(house)
    seen = house.hotline.rights.to_erase(AN)
    steps = []
    once = house.store.erase_texts

    def cut_off(share, limit):
        steps.append(limit)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return once(share, limit)

    monkeypatch.setattr(house.store, "erase_texts", cut_off)
    with pytest.raises(KeyboardInterrupt):
        house.hotline.rights.erase(seen, "asked", "linh", house.now)
    assert AccountState.CLOSED is house.account().state
    erase(house)
    assert [] == in_file(house)(CMND, AN, "xin chao")


def test_cut_off_at_the_texts_of_others_goes_on_with_the_next_call(house, monkeypatch):
    house.text(BINH, f"{CMND} is my neighbour's")
    house.text(AN, TEXT)
    close(house)

    def cut_off(cmnd):
        house.text(AN, "still here")  # meanwhile
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(house.store, "texts_naming", cut_off)
        erase(house)
    assert 1 == erase(house).named
    assert [] == in_file(house)(CMND, AN, "still here")


def test_text_that_comes_while_those_of_others_are_read_goes_too(house, monkeypatch):
    house.text(AN, TEXT)
    close(house)
    pieces = house.store.texts_naming

    def slow(cmnd):
        yield from pieces(cmnd)
        house.text(AN, "still here")

    monkeypatch.setattr(house.store, "texts_naming", slow)
    assert 4 == erase(house).texts
    assert [] == in_file(house)(CMND, AN, "still here")


def test_file_in_which_rows_were_moved_is_written_anew(house):
    """SQLite leaves what a row was in the page that it was moved from."""
    assert not house.store.has_traces([CMND])
    house.text(AN, TEXT)
    assert house.store.truncate_log()
    assert house.store.has_traces(["000000000", CMND])
    close(house)
    assert [CMND, AN] == erase(house).gone
    assert house.store.rewrite()
    assert [] == in_file(house)(CMND, AN)
    assert "registered" == house.text(AN, TEXT)[0]
