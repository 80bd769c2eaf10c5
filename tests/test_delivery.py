"""Which text of ours a delivery receipt is about, and what its last word changes."""

from datetime import timedelta

import pytest

from smsgw.carriers import Carriers
from smsgw.gateway import MOST_EARLY, Batch
from smsgw.model import (
    AccountState,
    Address,
    Answer,
    Direction,
    MtState,
    Outcome,
    Receipt,
    Refused,
    Taken,
)
from tests.budget import BUDGET_MS, cost_ms
from tests.house import AN, BINH, OTHER_TEXT, TEXT, House, OneHash, story_of

WORDS = "id:{id} sub:001 dlvrd:001 submit date:2605041200 done date:2605041201 stat:{stat} err:000"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.issuer = house.gateway.tools.issuer = OneHash()
    yield house
    house.store.close()


def one_carrier(house):
    """Both links lead to one SMSC."""
    house.gateway.tools.carriers = Carriers({"viettel": "viettel", "mobi": "viettel"}, {})


def receipt(smsc_id, state=MtState.DELIVERED, phone=AN, link="viettel"):
    return Receipt(link, smsc_id, state, "stat", Address(phone, 1, 1))


def words(house, smsc_id, state=MtState.DELIVERED, phone=AN, link="viettel", text=None):
    """A receipt that only its words give away."""
    text = text or WORDS.format(id=smsc_id, stat="DELIVRD" if state else "ENROUTE")
    return receipt(smsc_id, state, phone, link)._replace(text=house.mo(phone, text, link=link))


def sent(house, phone, text, smsc_id, link="viettel"):
    """A text registers, and the SMSC takes the reply under that id."""
    (mt,) = house.take(house.mo(phone, text, link=link)).replies
    house.settle(Taken(mt.id, smsc_id), link=link)


def unmatched(done, link="viettel"):
    return done.oddities[link, "receipt_unmatched"]


# --- the id letter for letter -------------------------------------------------------------------


@pytest.mark.parametrize("phone", [BINH, "8188", "VIETTEL", "", "8490512345"])
def test_receipt_with_the_very_id_is_about_that_text_whatever_number_it_names(house, phone):
    sent(house, AN, TEXT, "0A1B2C")
    done = house.receive(receipt("0A1B2C", phone=phone))
    assert [MtState.DELIVERED] == house.states()
    assert 0 == unmatched(done)


@pytest.mark.parametrize("reported", ["0a1b2c", "A1B2C", "662316"])
def test_receipt_with_the_id_in_another_writing_needs_the_number_too(house, reported):
    sent(house, AN, TEXT, "0A1B2C")
    done = house.receive(receipt(reported, phone=BINH))
    assert [MtState.SENT] == house.states()
    assert 1 == unmatched(done)
    house.receive(receipt(reported))
    assert [MtState.DELIVERED] == house.states()


def test_id_of_one_text_that_reads_as_that_of_another_is_the_one_letter_for_letter(house):
    sent(house, AN, TEXT, "10")  # 16, were it hexadecimal
    sent(house, BINH, OTHER_TEXT, "16")
    house.receive(receipt("16", phone="8188"))
    assert [MtState.SENT, MtState.DELIVERED] == house.states()


@pytest.mark.parametrize("smsc_id", ["", " ", "0"])
def test_receipt_without_an_id_is_about_no_text_but_one_without_an_id_to_that_phone(house, smsc_id):
    sent(house, AN, TEXT, "")
    house.receive(receipt(smsc_id, phone=BINH))
    assert [MtState.SENT] == house.states()
    house.receive(receipt(smsc_id))
    assert [MtState.DELIVERED] == house.states()


# --- links of one carrier -----------------------------------------------------------------------


@pytest.mark.parametrize("phone", [AN, BINH])
def test_receipt_by_another_bind_of_the_same_carrier_is_matched(house, phone):
    one_carrier(house)
    sent(house, AN, TEXT, "7F")
    done = house.receive(receipt("7F", phone=phone, link="mobi"))
    assert [MtState.DELIVERED] == house.states()
    assert 0 == unmatched(done, "mobi")


def test_receipt_by_another_bind_in_another_writing_is_matched_by_the_number(house):
    one_carrier(house)
    sent(house, AN, TEXT, "7F")
    house.receive(receipt("127", phone=BINH, link="mobi"))
    house.receive(receipt("127", phone="8188", link="mobi"))
    assert [MtState.SENT] == house.states()
    house.receive(receipt("127", link="mobi"))
    assert [MtState.DELIVERED] == house.states()


def test_receipt_for_a_text_of_a_link_that_is_gone_comes_by_its_successor(house):
    sent(house, AN, TEXT, "7F")
    house.gateway.tools.carriers = Carriers(
        {"new": "viettel", "mobi": "mobi"}, {"viettel": "viettel"}
    )
    house.receive(receipt("7F", link="new"))
    assert [MtState.DELIVERED] == house.states()


def test_receipt_by_another_carrier_is_about_none_of_our_texts(house):
    sent(house, AN, TEXT, "7F")
    done = house.receive(receipt("7F", link="mobi"))
    assert [MtState.SENT] == house.states()
    assert 1 == unmatched(done, "mobi")


def test_id_on_the_link_itself_comes_before_the_same_on_another_bind(house):
    one_carrier(house)
    sent(house, AN, TEXT, "7F", link="mobi")
    sent(house, BINH, OTHER_TEXT, "7F")
    house.receive(receipt("7F", phone="8188"))
    assert [MtState.SENT, MtState.DELIVERED] == house.states()


# --- what only its words give away --------------------------------------------------------------


def test_receipt_by_its_words_counts_where_number_and_id_agree(house):
    sent(house, AN, TEXT, "7F")
    done = house.receive(words(house, "127"))
    assert [Answer.OK] == done.receipts
    assert [MtState.DELIVERED] == house.states()
    assert [Outcome.REGISTERED] == house.outcomes()


@pytest.mark.parametrize("phone", ["ABC", BINH, "1414"])
def test_text_that_reads_like_a_receipt_of_another_s_text_changes_nothing_and_is_kept(house, phone):
    sent(house, AN, TEXT, "7F")
    done = house.receive(words(house, "7F", MtState.FAILED, phone))
    assert [Answer.OK] == done.receipts
    assert [MtState.SENT] == house.states()
    assert [Outcome.REGISTERED, Outcome.IGNORED] == house.outcomes()
    assert [] == done.replies
    assert {Outcome.IGNORED: 1} == done.outcomes


@pytest.mark.parametrize("state", [None, MtState.DELIVERED])
def test_text_that_reads_like_a_receipt_of_nobody_is_kept_whatever_it_reports(house, state):
    house.receive(words(house, "4711", state))
    assert [Outcome.IGNORED] == house.outcomes()


def test_receipt_by_its_words_that_is_not_the_last_one_changes_nothing(house):
    sent(house, AN, TEXT, "7F")
    house.receive(words(house, "7F", None))
    assert [MtState.SENT] == house.states()
    assert [Outcome.REGISTERED] == house.outcomes()


def test_what_a_receipt_of_nobody_quotes_of_ours_is_masked(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    quoting = WORDS.format(id="4711", stat="DELIVRD") + f" text:{mt.text}"
    house.receive(words(house, "4711", text=quoting))
    kept = house.store.messages(direction=Direction.MO, limit=1)[0].text
    assert kept.startswith("id:4711 sub:001")
    assert mt.text.split("MK: ")[1].split(" ")[0] not in kept


def test_texts_and_receipts_of_nobody_in_one_batch_are_all_kept(house):
    receipts = [words(house, f"{n}", phone=BINH) for n in range(3)]
    mos = [house.mo(BINH, OTHER_TEXT), house.mo(AN, TEXT)]
    done = house.gateway.commit(Batch(mos=mos, receipts=receipts), house.now)
    assert ([Answer.OK] * 2, [Answer.OK] * 3) == (done.answers, done.receipts)
    assert [Outcome.IGNORED] * 3 + [Outcome.REGISTERED] * 2 == house.outcomes()
    (link,) = [link for link in house.store.links() if link.name == "viettel"]
    assert 5 == link.mo


# --- before the answer --------------------------------------------------------------------------


@pytest.mark.parametrize("phone", [AN, BINH])
@pytest.mark.parametrize("link", ["viettel", "mobi"])
def test_receipt_before_the_answer_is_matched_as_one_behind_it(house, phone, link):
    one_carrier(house)
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    done = house.receive(receipt("7F", phone=phone, link=link))
    assert 1 == unmatched(done, link)  # when it comes: whether its text ever does, nobody knows
    house.settle(Taken(mt.id, "7F"))
    assert [MtState.DELIVERED] == house.states()


def test_receipt_before_the_answer_in_another_writing_and_of_another_number_is_not(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.receive(receipt("7f", phone=BINH), receipt("127", phone=BINH))
    house.settle(Taken(mt.id, "7F"))
    assert [MtState.SENT] == house.states()


def test_each_receipt_before_the_answers_of_a_batch_goes_to_its_own_text(house):
    first, second = house.take(house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT)).replies
    house.receive(receipt("16", MtState.FAILED, BINH), receipt("16", phone=AN))
    house.settle(Taken(first.id, "10"), Taken(second.id, "16"))
    assert [MtState.DELIVERED, MtState.FAILED] == house.states()


def test_receipts_of_nobody_leave_a_thousand_of_their_link_however_many_come(house):
    house.receive(receipt("kept", link="mobi"))
    for start in range(0, 5000, 1000):
        house.receive(*(receipt(f"n{n}") for n in range(start, start + 1000)))
    house.restart()
    house.receive(receipt("last"))
    kept = [row[0] for row in house.store._db.execute("SELECT smsc_id FROM early_receipts")]
    assert MOST_EARLY + 1 == len(kept)
    assert {"kept", "n4999", "last"} <= set(kept)
    assert not {"n0", "n4000"} & set(kept)


def test_receipts_of_nobody_are_forgotten_after_an_hour(house):
    house.receive(receipt("7F"))
    house.later(hours=1, seconds=1)
    house.gateway.tidy(house.now)
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Taken(mt.id, "7F"))
    assert [MtState.SENT] == house.states()


# --- one id for all -----------------------------------------------------------------------------


def texts_with_one_id(house, count):
    """So many texts to as many phones were taken, each under the same id."""
    for start in range(0, count, 100):
        phones = [f"8490{n:07}" for n in range(start, min(start + 100, count))]
        done = house.take(*(house.mo(phone, "hallo") for phone in phones))
        house.settle(*(Taken(mt.id, "1") for mt in done.replies))


def test_texts_of_one_id_are_told_apart_by_the_number_or_not_at_all(house):
    texts_with_one_id(house, 5)
    done = house.receive(receipt("1", phone="84900000003"), receipt("1", phone=BINH))
    assert [*[MtState.SENT] * 3, MtState.DELIVERED, MtState.SENT] == house.states()
    assert 1 == unmatched(done)


def test_receipt_costs_the_same_whatever_number_of_texts_has_its_id(house):
    texts_with_one_id(house, 20_000)
    assert 20_000 == house.store._one("SELECT count(*) FROM sent")[0]
    batch = [receipt("1", phone=BINH) for _ in range(10)]
    assert cost_ms(lambda: house.receive(*batch)) < BUDGET_MS
    early_ones = [receipt("2") for _ in range(2000)]
    house.receive(*early_ones)
    done = house.take(house.mo(BINH, "hallo"))
    results = [Taken(mt.id, "2") for mt in done.replies]
    assert cost_ms(lambda: house.settle(*results)) < BUDGET_MS


# --- texts that reach nobody --------------------------------------------------------------------


@pytest.fixture
def make_house(tmp_path):
    houses = []

    def make(**registration):
        house = House(tmp_path, registration=registration)
        house.issuer = house.gateway.tools.issuer = OneHash()
        houses.append(house)
        return house

    yield make
    for house in houses:
        house.store.close()


def refuse(house, *, address=True):
    """The SMSC refuses whatever is due, because of its address."""
    mts = house.claim().mts
    house.settle(*(Refused(mt.id, "ESME_RINVDSTADR", address) for mt in mts))


def lapse(house):
    """Three days pass; the reminder is taken, each under an id of its own."""
    house.later(days=3)
    house.gateway.expire(house.now)
    mts = house.claim().mts
    house.settle(*(Taken(mt.id, f"id{mt.id}") for mt in mts))
    return [f"id{mt.id}" for mt in mts]


def undelivered(house, *smsc_ids):
    house.receive(*(receipt(smsc_id, MtState.FAILED) for smsc_id in smsc_ids))


def story(house, key=AN):
    """What happened to the account, without texts."""
    told = [entry.what for entry in story_of(house.hotline.history(key))]
    return [what for what in told if not what.startswith("m")]


def opens(house, key=AN):
    """Whether any password opens the account."""
    return house.hotline.look_up(key)[0].password_hash is not None


def test_password_ends_with_the_third_text_in_a_row_that_reached_nobody(house):
    sent(house, AN, TEXT, "id0")
    undelivered(house, "id0")
    undelivered(house, *lapse(house))
    (last,) = lapse(house)
    assert opens(house)
    undelivered(house, last)
    assert not opens(house)
    assert ["registered", "lapsed", "lapsed", "undeliverable"] == story(house)
    account = house.account()
    assert (AccountState.ISSUED, None) == (account.state, account.password_expires_at)
    house.later(days=30)
    assert (0, 0) == house.gateway.expire(house.now)[:2]
    assert [] == house.claim().mts


def test_delivered_text_begins_anew(house):
    sent(house, AN, TEXT, "id0")
    undelivered(house, "id0", *lapse(house))
    house.receive(*(receipt(smsc_id) for smsc_id in lapse(house)))
    undelivered(house, *lapse(house), *lapse(house))
    assert opens(house)
    undelivered(house, *lapse(house))
    assert not opens(house)


def test_text_without_a_receipt_changes_nothing(house):
    sent(house, AN, TEXT, "id0")
    undelivered(house, "id0", *lapse(house))
    lapse(house)
    assert opens(house)
    undelivered(house, *lapse(house))
    assert not opens(house)


def test_receipt_of_a_text_whose_password_was_replaced_counts_like_any(house):
    sent(house, AN, TEXT, "id0")
    late = ["id0", *lapse(house), *lapse(house)]
    undelivered(house, *late[:2])
    assert opens(house)
    undelivered(house, late[2])
    assert not opens(house)


def test_same_receipt_again_counts_once(house):
    sent(house, AN, TEXT, "id0")
    undelivered(house, *["id0"] * 5)
    assert opens(house)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_as_many_texts_as_are_configured_end_the_password(make_house, most):
    house = make_house(undelivered_reminders=most)
    sent(house, AN, TEXT, "id0")
    last = "id0"
    for _ in range(most - 1):
        undelivered(house, last)
        assert opens(house)
        (last,) = lapse(house)
    undelivered(house, last)
    assert not opens(house)


def test_with_zero_there_is_no_end(make_house):
    house = make_house(undelivered_reminders=0)
    sent(house, AN, TEXT, "id0")
    undelivered(house, "id0")
    for _ in range(5):
        undelivered(house, *lapse(house))
    assert opens(house)
    assert 1 == house.gateway.expire(house.now + timedelta(days=3)).replaced


def test_refusal_of_the_address_counts_as_a_text_that_reached_nobody(house):
    house.text(AN, TEXT)
    (mt_id,) = [m.id for m in house.store.messages(direction=Direction.MT)]
    house.settle(Refused(mt_id, "ESME_RINVDSTADR", address=True))
    for _ in range(2):
        assert opens(house)
        house.later(days=3)
        house.gateway.expire(house.now)
        refuse(house)
    assert not opens(house)
    assert "undeliverable" == story(house)[-1]


def test_refusal_for_another_reason_does_not_count(house):
    house.text(AN, TEXT)
    for _ in range(5):
        house.later(days=3)
        house.gateway.expire(house.now)
        refuse(house, address=False)
    assert opens(house)


def test_text_that_the_hotline_tries_again_counts_once(house):
    house.text(AN, TEXT)
    (mt_id,) = [m.id for m in house.store.messages(direction=Direction.MT)]
    for _ in range(5):
        house.settle(Refused(mt_id, "ESME_RINVDSTADR", address=True))
        house.settle(Refused(mt_id, "ESME_RINVDSTADR", address=True))  # it went out twice
        house.hotline.retry(mt_id, "lan", house.now)
        house.claim()
    assert opens(house)


def test_text_that_was_tried_again_before_it_was_refused_counts(make_house):
    house = make_house(undelivered_reminders=1)
    house.text(AN, TEXT)
    (mt_id,) = [m.id for m in house.store.messages(direction=Direction.MT)]
    house.hotline.retry(mt_id, "lan", house.now)
    house.claim()
    house.settle(Refused(mt_id, "ESME_RINVDSTADR", address=True))
    assert not opens(house)


def test_reminder_that_waits_is_cancelled_when_the_password_ends(house):
    sent(house, AN, TEXT, "id0")
    late = ["id0", *lapse(house), *lapse(house)]
    house.later(days=3)
    house.gateway.expire(house.now)
    undelivered(house, *late)
    assert not opens(house)
    assert MtState.CANCELLED == house.states()[-1]
    assert [] == house.claim().mts


def test_own_password_is_not_touched(house):
    sent(house, AN, TEXT, "id0")
    late = ["id0", *lapse(house), *lapse(house)]
    house.hotline.set_password(AN, "my own secret", "lan", house.now)
    undelivered(house, *late)
    assert house.opens(AN, "my own secret")
    assert AccountState.ACTIVE == house.account().state


def test_hotline_s_new_password_begins_anew(house):
    sent(house, AN, TEXT, "id0")
    undelivered(house, "id0", *lapse(house), *lapse(house))
    assert not opens(house)
    house.hotline.reset_password(AN, "lan", house.now)
    (mt,) = house.claim().mts
    house.settle(Taken(mt.id, "new"))
    undelivered(house, "new", *lapse(house))
    assert opens(house)
    undelivered(house, *lapse(house))
    assert not opens(house)


def test_answers_without_a_password_do_not_count(house):
    sent(house, AN, TEXT, "id0")
    for n in range(5):
        sent(house, AN, "hallo", f"error{n}")
        undelivered(house, f"error{n}")
    assert opens(house)


def test_receipts_before_the_answers_count_too(make_house):
    house = make_house(undelivered_reminders=1)
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.receive(receipt("7F", MtState.FAILED))
    house.settle(Taken(mt.id, "7F"))
    assert not opens(house)


def test_receipt_and_the_end_of_the_password_are_one_transaction(make_house, monkeypatch):
    house = make_house(undelivered_reminders=1)
    sent(house, AN, TEXT, "id0")
    monkeypatch.setattr(house.store, "write", lambda changes: 1 / 0)
    assert [Answer.LATER] == house.receive(receipt("id0", MtState.FAILED)).receipts
    assert [MtState.SENT] == house.states()
    assert opens(house)


def test_receipt_of_an_account_that_was_purged_is_still_taken(house):
    sent(house, AN, TEXT, "id0")
    house.hotline.close_account(AN, "moved", "lan", house.now)
    house.later(days=366)
    with house.store.transaction():
        house.store.purge_accounts(house.now, 10)
    undelivered(house, "id0")
    assert [MtState.FAILED] == house.states()
