"""What a citizen's text leads to, on a real SQLite file: accounts, replies, and what is kept."""

import re
from datetime import timedelta

import pytest

from smsgw import passwords
from smsgw.gateway import Batch
from smsgw.model import (
    AccountState,
    Address,
    Answer,
    Direction,
    MtState,
    Octets,
    Outcome,
    Part,
    Postponed,
    Receipt,
    Refused,
    Taken,
    Unanswered,
)
from tests.house import AN, BINH, OTHER_TEXT, TEXT, FewIssued, OneHash, password_in, story_of

REFUSAL = "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"
SYNTAX = (
    "Loi. Tin nhan sai cu phap. Cu phap dung la: TK,Ho va ten,soCMND,nn.tt.nnnn "
    "(ngay thang nam sinh)"
)


@pytest.fixture
def one_carrier(make_house):
    """A house whose two links are of one carrier."""
    return make_house(links=ONE_CARRIER)


ONE_CARRIER = {"mobi": {"carrier": "viettel"}}


# --- registration -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 31, 32, 33, 75, 100])
def test_batch_of_any_size_registers_and_settles_each_as_itself(house, size):
    house.issuer = house.gateway.tools.issuer = OneHash()
    phones = [f"849050000{n:02}" for n in range(size)]
    texts = [f"TK,Nguyen Van An,2015550{n:02},01.02.1990" for n in range(size)]
    done = house.take(*map(house.mo, phones, texts))
    assert [Answer.OK] * size == done.answers
    assert phones == [mt.to.number for mt in done.replies]
    accounts = [house.account(phone) for phone in phones]
    assert [f"2015550{n:02}" for n in range(size)] == [account.username for account in accounts]
    told = [mt.text.split("TK: ")[1].split(",")[0] for mt in done.replies]
    assert told == [account.username for account in accounts]
    house.settle(*(Taken(mt.id, f"id{mt.id}") for mt in done.replies))
    receipts = [
        Receipt("viettel", f"id{mt.id}", MtState.DELIVERED, "DELIVRD", mt.to) for mt in done.replies
    ]
    house.receive(*receipts[::2])
    expected = [MtState.SENT] * size
    expected[::2] = [MtState.DELIVERED] * len(receipts[::2])
    assert expected == house.states(limit=1000)
    assert [] == house.claim().mts


def test_valid_text_registers_and_is_answered_with_user_name_and_password(house):
    outcome, (reply,) = house.text(AN, TEXT)
    password = password_in(reply)
    assert outcome == Outcome.REGISTERED
    assert reply == (
        f"TK: 201234567, MK: {password} la tai khoan su dung HT Chinh quyen dien tu. De nghi anh "
        "chi doi mat khau trong vong 03 ngay de bao mat. Cam on!"
    )
    account = house.account()
    assert (account.username, account.phone, account.full_name) == (
        "201234567",
        "+84905123456",
        "Nguyen Van An",
    )
    assert account.state is AccountState.ISSUED
    assert account.password_expires_at - account.registered_at == timedelta(days=3)
    assert house.opens(AN, password)


def test_text_with_wrong_syntax_is_answered_with_the_right_one(house):
    assert (Outcome.SYNTAX_ERROR, [SYNTAX]) == house.text(AN, "TK Nguyen Van An")
    assert [] == list(house.store.accounts())


@pytest.mark.parametrize("written", ["+84905123456", "0905123456", "905123456", "84905123456"])
def test_one_phone_has_one_account_however_it_is_written(house, written):
    house.text(AN, TEXT)
    assert (Outcome.ALREADY_REGISTERED, [REFUSAL]) == house.text(written, OTHER_TEXT, ton=0)


def test_one_cmnd_has_one_account(house):
    house.text(AN, TEXT)
    assert (Outcome.ALREADY_REGISTERED, [REFUSAL]) == house.text(BINH, TEXT)


def test_first_of_two_texts_in_one_batch_gets_the_account(house):
    done = house.take(house.mo(AN, TEXT), house.mo(BINH, TEXT), house.mo(AN, OTHER_TEXT))
    assert [Answer.OK] * 3 == done.answers
    assert [Outcome.REGISTERED, Outcome.ALREADY_REGISTERED, Outcome.ALREADY_REGISTERED] == (
        house.outcomes()
    )
    assert 1 == len(list(house.store.accounts()))


def test_closed_account_lets_phone_and_cmnd_register_again(house):
    house.text(AN, TEXT)
    house.hotline.close_account(AN, "asked at the hotline", "lan", house.now)
    outcome, _ = house.text(AN, TEXT, session=1)
    assert outcome == Outcome.REGISTERED
    assert ["closed", "issued"] == [a.state for a in house.store.accounts()]


@pytest.mark.parametrize("sender", ["8188", "Viettel", "1414", "113"])
def test_sender_that_is_no_telephone_is_recorded_and_not_answered(house, sender):
    assert (Outcome.IGNORED, []) == house.text(sender, TEXT, ton=5)
    assert [sender] == [m.phone for m in house.store.messages()]
    assert [] == list(house.store.accounts())


def test_phone_past_its_hourly_limit_is_recorded_and_not_answered(make_house):
    house = make_house(limits={"replies_per_phone_per_hour": 2})
    for number in range(3):
        house.text(AN, f"hallo {number}")
    assert [Outcome.SYNTAX_ERROR] * 2 + [Outcome.IGNORED] == house.outcomes()
    house.restart()
    assert (Outcome.IGNORED, []) == house.text(AN, TEXT)
    house.later(hours=1, seconds=1)
    assert Outcome.REGISTERED == house.text(AN, TEXT)[0]


def test_limit_holds_inside_one_batch(make_house):
    house = make_house(limits={"replies_per_phone_per_hour": 2})
    done = house.take(*(house.mo(AN, f"hallo {n}") for n in range(5)))
    assert 2 == len(done.replies)


# --- retransmission ---------------------------------------------------------------------------


def test_same_octets_on_another_session_register_once_and_are_answered_once(one_carrier):
    house = one_carrier
    house.text(AN, TEXT, session=1)
    house.later(minutes=14, seconds=59)
    assert (Outcome.RETRANSMISSION, []) == house.text(AN, TEXT, session=2, link="mobi")


def test_same_octets_by_another_carrier_are_another_text(house):
    """A stranger who writes her number elsewhere does not make her own text a retransmission."""
    house.text(AN, "hallo", session=1, link="mobi")
    assert (Outcome.SYNTAX_ERROR, [SYNTAX]) == house.text(AN, "hallo", session=2)
    assert Outcome.RETRANSMISSION == house.text(AN, "hallo", session=3)[0]


@pytest.mark.parametrize("minutes", range(1, 15))
def test_retransmission_is_known_for_a_quarter_of_an_hour_whenever_it_begins(house, minutes):
    house.later(minutes=minutes, seconds=7)
    house.text(AN, "hallo", session=1)
    house.later(minutes=14, seconds=59)
    assert Outcome.RETRANSMISSION == house.text(AN, "hallo", session=2)[0]
    house.later(seconds=1)
    assert Outcome.SYNTAX_ERROR == house.text(AN, "hallo", session=3)[0]


def test_retransmission_is_known_after_a_restart(house):
    house.text(AN, TEXT, session=1)
    house.restart()
    assert (Outcome.RETRANSMISSION, []) == house.text(AN, TEXT, session=2)


def test_same_octets_after_a_quarter_of_an_hour_are_a_new_text(house):
    house.text(AN, TEXT, session=1)
    house.later(minutes=15)
    assert (Outcome.ALREADY_REGISTERED, [REFUSAL]) == house.text(AN, TEXT, session=2)


def test_same_text_twice_on_a_healthy_session_gets_two_answers(house):
    house.text(AN, "hallo", session=1)
    assert (Outcome.SYNTAX_ERROR, [SYNTAX]) == house.text(AN, "hallo", session=1)


def test_same_octets_of_another_sender_are_no_retransmission(house):
    house.text(AN, "hallo", session=1)
    assert (Outcome.SYNTAX_ERROR, [SYNTAX]) == house.text(BINH, "hallo", session=2)


# --- what if ----------------------------------------------------------------------------------


@pytest.mark.parametrize("repeat", ["refuse", "reset"])
@pytest.mark.parametrize("text", [TEXT, OTHER_TEXT, "hallo"])
def test_try_holds_no_lock_and_makes_no_hash(make_house, monkeypatch, text, repeat):
    """`try` stopped by Ctrl-Z had every citizen's text refused: it hashed inside the lock."""
    house = make_house(registration={"repeat": repeat})
    house.text(AN, TEXT)
    asked = []
    house.store._db.set_trace_callback(asked.append)
    monkeypatch.setattr(passwords, "hash_password", lambda password: 1 / 0)
    trial = house.hotline.try_text(AN, text, house.now)
    house.store._db.set_trace_callback(None)
    assert trial.reply
    assert {"SELECT"} == {re.sub(r"--.*", "", statement).split()[0] for statement in asked}
    assert not house.store._db.in_transaction


# --- repeat = "reset" -------------------------------------------------------------------------


def test_citizen_who_repeats_the_registration_gets_a_new_password_three_times_a_day(make_house):
    house = make_house(registration={"repeat": "reset"})
    _, (first,) = house.text(AN, TEXT)
    for _ in range(3):
        house.later(minutes=1)
        outcome, (reply,) = house.text(AN, TEXT)
        assert outcome == Outcome.REGISTERED
        assert house.opens(AN, password_in(reply))
        assert not house.opens(AN, password_in(first))
    assert (Outcome.ALREADY_REGISTERED, [REFUSAL]) == house.text(AN, TEXT)
    house.later(days=1)
    assert Outcome.REGISTERED == house.text(AN, TEXT)[0]


@pytest.mark.parametrize(
    ("phone", "text"),
    [
        (BINH, TEXT),
        (AN, OTHER_TEXT),
        (AN, "TK,Nguyen Van An,201234567,02.02.1990"),
    ],
    ids=["other phone", "other CMND", "other date of birth"],
)
def test_repetition_that_is_not_the_account_s_own_is_refused(make_house, phone, text):
    house = make_house(registration={"repeat": "reset"})
    house.text(AN, TEXT)
    assert (Outcome.ALREADY_REGISTERED, [REFUSAL]) == house.text(phone, text)


def test_repetition_in_the_batch_of_the_registration_has_its_turn_in_the_next(make_house):
    house = make_house(registration={"repeat": "reset"})
    again = house.mo(AN, TEXT + ".")
    done = house.take(house.mo(AN, TEXT), again)
    assert [Answer.OK, None] == done.answers
    assert 0 == done.passwords_wanted
    (reply,) = house.take(again).replies
    assert house.opens(AN, password_in(reply.text))


def test_reset_makes_an_active_account_issued_again(make_house):
    house = make_house(registration={"repeat": "reset"})
    house.text(AN, TEXT)
    house.hotline.set_password(AN, "my own secret", "lan", house.now)
    house.text(AN, TEXT)
    assert house.account().state is AccountState.ISSUED
    assert not house.opens(AN, "my own secret")


# --- a stock that is empty, a store that fails -------------------------------------------------


def test_registration_waits_for_a_password_while_others_pass_by(house):
    house.text(BINH, OTHER_TEXT)
    house.issuer = house.gateway.tools.issuer = FewIssued(1)
    mos = [
        house.mo(AN, TEXT),
        house.mo("84905000001", "TK,Le Van C,201000001,01.01.1980"),
        house.mo("84905000002", "hallo"),
        house.mo("84905000003", OTHER_TEXT),
    ]
    done = house.take(*mos)
    assert [Answer.OK, None, Answer.OK, Answer.OK] == done.answers
    assert 1 == done.passwords_wanted
    house.issuer.left = 1
    assert [Answer.OK] == house.take(mos[1]).answers


def test_registration_that_waited_for_a_password_is_one_text_on_its_link(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(0)
    mo = house.mo(AN, TEXT)
    house.take(mo)
    house.issuer.left = 1
    house.take(mo)
    assert {"viettel": 1, "mobi": 0} == {link.name: link.mo for link in house.store.links()}


def test_text_in_another_writing_does_not_overtake_the_first_that_waits_for_a_password(house):
    class Refilled(FewIssued):
        """A stock into which the hashers put a password after two looks at it."""

        looks = 0

        def take(self, n):
            self.left = 1 if self.looks == 2 else 0
            self.looks += 1
            return super().take(n)

    house.issuer = house.gateway.tools.issuer = Refilled(0)
    house.issuer.looks = 0
    done = house.take(house.mo(AN, TEXT), house.mo(f"+{AN}", TEXT))
    assert [None, None] == done.answers
    assert 2 == done.passwords_wanted


def test_store_in_trouble_uses_up_no_passwords(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(60, OneHash())
    pages = house.store._one("PRAGMA page_count")[0]
    house.store._db.execute(f"PRAGMA max_page_count = {pages}")
    many = [house.mo(f"8490500{n:04}", f"TK,Le Van C,20{n:07},01.01.1980") for n in range(60)]
    assert [Answer.LATER] * 60 == house.take(*many).answers
    assert 60 == house.issuer.left
    house.store._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert [Answer.OK] * 60 == house.take(*many).answers
    assert 0 == house.issuer.left


def test_text_that_cannot_be_read_to_its_end_uses_up_no_passwords(house):
    """The stock leaked when a batch failed in its middle, behind what was taken ahead."""
    house.issuer = house.gateway.tools.issuer = FewIssued(60, OneHash())
    many = [house.mo(f"8490500{n:04}", f"TK,Le Van C,20{n:07},01.01.1980") for n in range(60)]
    (first, last) = parts(house, "hal", "lo")
    house.take(first)
    house.gateway.store.mark_joined = lambda *_: 1 / 0
    done = house.take(*many[:20], last, *many[20:40])
    assert [Answer.OK] * 20 + [Answer.LATER] + [Answer.OK] * 20 == done.answers
    assert 20 == house.issuer.left


def test_message_behind_a_bad_one_gets_no_more_room_than_is_left(house):
    hopeless = house.mo(BINH, "hallo")._replace(link=object())
    texts = [house.mo(f"8490500000{n}", "hallo") for n in range(3)]
    done = house.take(hopeless, *texts, room=2)
    assert [Answer.LATER, Answer.OK, Answer.OK, Answer.OK] == done.answers
    assert 2 == len(done.replies)
    assert 1 == len(house.claim().mts)


def test_message_behind_a_bad_one_gets_no_password_that_an_older_text_waits_for(house):
    hopeless = house.mo(BINH, "hallo")._replace(link=object())
    many = [house.mo(f"8490500000{n}", f"TK,Le Van C,20000000{n},01.01.1980") for n in range(4)]
    batch = Batch(mos=[hopeless, *many], registrations=2)
    done = house.gateway.commit(batch, house.now)
    assert [Answer.LATER, Answer.OK, Answer.OK, None, None] == done.answers


def test_text_behind_a_bad_one_does_not_overtake_one_that_waits_for_a_password(house):
    class Refilled(FewIssued):
        """A stock into which the hashers put a password after four looks at it."""

        looks = 0

        def take(self, n):
            self.looks += 1
            self.left = 1 if self.looks == 5 else 0
            return super().take(n)

    house.issuer = house.gateway.tools.issuer = Refilled(0)
    hopeless = house.mo(BINH, "hallo")._replace(link=object())
    done = house.take(house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT), hopeless)
    assert [None, None, Answer.LATER] == done.answers


def test_password_that_was_not_given_out_goes_back(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(5)
    house.take(house.mo(AN, TEXT), house.mo(BINH, TEXT))
    assert 4 == house.issuer.left


def test_batch_that_cannot_be_committed_is_asked_for_again_and_leaves_nothing(house):
    house.path.rename(house.path.with_suffix(".gone"))
    done = house.take(house.mo(AN, TEXT), house.mo(BINH, "hallo"))
    assert [Answer.LATER, Answer.LATER] == done.answers
    assert "is gone" in done.trouble
    house.path.with_suffix(".gone").rename(house.path)
    assert [Answer.OK] == house.take(house.mo(AN, TEXT)).answers
    assert [Outcome.REGISTERED] == house.outcomes()


def test_bad_message_does_not_take_the_others_of_its_batch_with_it(house):
    hopeless = house.mo(BINH, "hallo")._replace(link=object())  # SQLite cannot store this
    done = house.take(house.mo(AN, TEXT), hopeless, house.mo("84905000001", "hallo"))
    assert [Answer.OK, Answer.LATER, Answer.OK] == done.answers
    assert [Outcome.REGISTERED, Outcome.SYNTAX_ERROR] == house.outcomes()


# --- replies ----------------------------------------------------------------------------------


def test_reply_goes_to_the_address_as_the_carrier_wrote_it(house):
    (mt,) = house.take(house.mo("0905123456", TEXT, ton=2, npi=9, link="mobi")).replies
    assert ("mobi", Address("0905123456", 2, 9)) == (mt.link, mt.to)


def test_reply_that_left_from_memory_is_not_claimed_as_well(house):
    house.text(AN, TEXT)
    assert [] == house.claim().mts


def test_reply_beyond_the_room_of_its_link_waits_in_the_outbox(house):
    done = house.take(house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT), room=1)
    assert 1 == len(done.replies)
    assert {"viettel": house.now} == done.due
    (claimed,) = house.claim().mts
    assert claimed.text.startswith("TK: 201999999, MK: ")


def test_claimed_text_is_the_text_that_would_have_left_at_once(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.restart()
    assert [mt] == house.claim().mts


def test_lease_ends_and_the_reply_leaves_again_with_the_same_password(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.later(seconds=69)
    house.gateway.tidy(house.now)
    assert [] == house.claim().mts
    house.later(seconds=1)
    assert ["viettel"] == list(house.gateway.tidy(house.now).due)
    assert [mt] == house.claim().mts
    assert [] == house.claim().mts


def test_taken_reply_is_sent_and_its_password_is_gone_from_the_disk(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Taken(mt.id, "7F"))
    assert [MtState.SENT] == house.states()
    assert [] == house.store.outbox()
    assert [0] == [n for (n,) in house.store._db.execute("SELECT count(*) FROM outbox")]


def test_password_stands_nowhere_on_the_disk_in_clear(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    secret = password_in(mt.text).encode()
    house.store.truncate_log()
    files = [file.read_bytes() for file in house.path.parent.iterdir()]
    assert not [octets for octets in files if secret in octets]
    assert "MK: ******** la tai khoan" in house.store.messages(direction=Direction.MT)[0].text


def test_refused_reply_has_failed_with_the_reason(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Refused(mt.id, "ESME_RINVDSTADR (0x0000000B)"))
    (reply,) = house.store.outbox()
    assert (MtState.FAILED, "ESME_RINVDSTADR (0x0000000B)") == (reply.state, reply.reason)


def test_tries_grow_apart_and_end_after_a_day(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    waits = []
    start = house.now
    while house.now - start < timedelta(hours=25):
        house.settle(Postponed(mt.id, "ESME_RSYSERR (0x00000008)", throttled=False))
        (reply,) = house.store.outbox()
        waits.append((reply.next_try - house.now).total_seconds())
        house.now = reply.next_try
        if not house.claim().mts:
            break
    (reply,) = house.store.outbox()
    assert [2, 4, 8, 16] == waits[:4]
    assert 600 == waits[-1]
    assert reply.state is MtState.FAILED
    assert "given up after 24 hours; last: ESME_RSYSERR (0x00000008)" == reply.reason
    assert house.now - start >= timedelta(hours=24)


def test_throttled_reply_comes_soon_and_loses_no_try(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    for _ in range(20):
        house.settle(Postponed(mt.id, "ESME_RTHROTTLED (0x00000058)", throttled=True))
        house.later(seconds=1)
        assert [mt.id] == [claimed.id for claimed in house.claim().mts]


def test_reply_whose_answer_never_came_leaves_again_when_none_can_be_expected(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    done = house.settle(Unanswered(mt.id, "no answer in 10 s", False))
    assert house.now + timedelta(seconds=20) == done.due["viettel"]
    house.later(seconds=20)
    assert [mt] == house.claim().mts


def test_reply_that_was_cut_off_leaves_again_with_the_link(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    done = house.settle(Unanswered(mt.id, "connection lost", True))
    assert house.now + timedelta(seconds=2) == done.due["viettel"]


def test_late_answer_settles_a_reply_that_was_given_up_waiting_for(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Unanswered(mt.id, "no answer in 10 s", False))
    house.settle(Taken(mt.id, "7F"), Taken(mt.id, "80"))
    assert [MtState.SENT] == house.states()
    assert [] == house.store.outbox()


def test_reply_nobody_took_for_a_day_has_failed(house):
    house.take(house.mo(AN, TEXT), room=0)
    house.later(hours=24)
    assert [] == house.claim().mts
    assert [MtState.FAILED] == house.states()


def test_reply_that_was_given_up_has_another_day_when_the_hotline_retries_it(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.restart()
    house.later(hours=24)
    assert [] == house.claim().mts
    house.hotline.retry(mt.id, "lan", house.now)
    assert [mt] == house.claim().mts
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.later(hours=23)
    assert [mt] == house.claim().mts
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.later(hours=1)
    assert [] == house.claim().mts
    assert [MtState.FAILED] == house.states()


def test_reply_that_is_on_its_way_does_not_leave_twice_when_the_hotline_retries_it(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.hotline.retry(mt.id, "lan", house.now)
    assert [] == house.claim().mts
    house.settle(Postponed(mt.id, "ESME_RSYSERR", throttled=False))
    house.hotline.retry(mt.id, "lan", house.now)
    assert [mt] == house.claim().mts


def test_reply_sealed_with_another_key_fails_and_says_so(house):
    house.take(house.mo(AN, TEXT), house.mo(BINH, "hallo"), room=0)
    house.settings.gateway.secret_key_file.unlink()
    with house.store.transaction():
        house.store.forget_fact("key_id")  # as is said to whoever has lost that of several nodes
    house.restart()
    assert ["Loi."] == [mt.text.split(" ")[0] for mt in house.claim().mts]
    assert [MtState.FAILED, MtState.QUEUED] == house.states()


# --- delivery receipts ------------------------------------------------------------------------


def receipt(smsc_id, state=MtState.DELIVERED, phone=AN, link="viettel"):
    return Receipt(link, smsc_id, state, "DELIVRD", Address(phone, 1, 1))


IDS = {
    "as it is": ("abc-7", "abc-7"),
    "hex answered, decimal reported": ("7F", "127"),
    "decimal answered, hex reported": ("127", "7f"),
    "another case": ("00AbCd", "00aBcD"),
    "leading zeros": ("000127", "127"),
    "leading zeros and hex": ("0000007F", "0127"),
}


@pytest.mark.parametrize(("answered", "reported"), IDS.values(), ids=IDS)
def test_receipt_matches_however_the_id_is_written(house, answered, reported):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Taken(mt.id, answered))
    house.receive(receipt(reported))
    assert [MtState.DELIVERED] == house.states()


@pytest.mark.parametrize(("answered", "reported"), IDS.values(), ids=IDS)
def test_receipt_that_comes_before_the_answer_is_matched_afterwards(house, answered, reported):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.receive(receipt(reported))
    house.restart()
    house.settle(Taken(mt.id, answered))
    assert [MtState.DELIVERED] == house.states()


def test_receipt_in_the_batch_of_the_answer_matches(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    results = [("viettel", Taken(mt.id, "7F"))]
    house.gateway.commit(Batch(receipts=[receipt("127")], results=results), house.now)
    assert [MtState.DELIVERED] == house.states()


def test_id_of_one_text_that_reads_as_that_of_another_goes_to_the_right_phone(house):
    first, second = house.take(house.mo(AN, TEXT), house.mo(BINH, OTHER_TEXT)).replies
    house.settle(Taken(first.id, "10"), Taken(second.id, "16"))
    house.receive(receipt("16", phone=BINH))
    assert [MtState.SENT, MtState.DELIVERED] == house.states()


def test_failed_delivery_is_shown_with_the_carrier_s_reason(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Taken(mt.id, "7F"))
    house.receive(receipt("7F", MtState.FAILED)._replace(reason="UNDELIV err:012"))
    (message,) = house.store.messages(direction=Direction.MT)
    assert (MtState.FAILED, "UNDELIV err:012") == (message.state, message.reason)


def test_receipt_that_is_not_the_last_word_changes_nothing(house):
    (mt,) = house.take(house.mo(AN, TEXT)).replies
    house.settle(Taken(mt.id, "7F"))
    house.receive(receipt("7F", state=None))
    assert [MtState.SENT] == house.states()


# --- octets that contradict their data_coding ---------------------------------------------------


def contradicting(house, *pieces, phone=AN, **options):
    """The MO of a session, of octets that read as nonsense in the alphabet that they declare."""
    text = b"".join(pieces).decode("latin-1")
    return house.mo(phone, text, **options)._replace(octets=Octets(pieces))


def test_registration_in_another_alphabet_than_declared_is_taken_shown_and_counted(house):
    text = "TK,Lê Thị Hà,201234567,08.03.1988"
    done = house.take(contradicting(house, text.encode()))
    assert {Outcome.REGISTERED: 1} == done.outcomes
    assert {("viettel", "data_coding"): 1} == done.oddities
    assert "Le Thi Ha" == house.account().full_name
    assert [text] == [m.text for m in house.store.messages(direction=Direction.MO)]


def test_two_in_one_batch_are_each_read_as_what_they_are(house):
    binh = contradicting(house, OTHER_TEXT.encode("utf-16-be"), phone=BINH)
    done = house.take(house.mo(AN, TEXT), binh, contradicting(house, b"\xff\xff", phone=BINH))
    assert {Outcome.REGISTERED: 2, Outcome.SYNTAX_ERROR: 1} == done.outcomes
    assert {("viettel", "data_coding"): 1} == done.oddities
    assert "Tran Thi Binh" == house.account(BINH).full_name


def test_text_that_parses_as_declared_is_never_read_again(house, monkeypatch):
    monkeypatch.setattr("smsgw.gateway.intake.reread", None)
    done = house.take(house.mo(AN, TEXT)._replace(octets=Octets((b"TK",))))
    assert {Outcome.REGISTERED: 1} == done.outcomes


def test_long_text_in_another_alphabet_than_declared_is_taken(house):
    octets = "TK,Lê Thị Hà,201234567,08.03.1988".encode()
    cut = octets.index("ị".encode()) + 1  # inside a character
    for n, piece in enumerate((octets[:cut], octets[cut:]), start=1):
        done = house.take(house.mo(AN, None, part=Part("8:7", 2, n, 0, piece, (0, 0))))
    assert {Outcome.REGISTERED: 1} == done.outcomes
    assert {("viettel", "data_coding"): 1} == done.oddities
    assert "Le Thi Ha" == house.account().full_name


# --- long texts -------------------------------------------------------------------------------


def parts(house, *texts, ref="8:7", **options):
    return [
        house.mo(AN, None, part=Part(ref, len(texts), n, 0, text.encode(), (0, 0)), **options)
        for n, text in enumerate(texts, start=1)
    ]


def test_text_in_parts_registers_once_all_are_there_in_any_order(one_carrier):
    house = one_carrier
    first, second, third = parts(house, "TK,Nguyen Van", " An,2012345", "67,01.02.1990")
    assert [Answer.OK] == house.take(third).answers
    assert [Answer.OK] == house.take(first).answers
    house.restart()
    assert 1 == len(house.take(second._replace(session=2, link="mobi")).replies)
    assert "Nguyen Van An" == house.account().full_name


def test_parts_by_another_carrier_are_of_another_text(house):
    first, second = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    done = house.take(first, second._replace(link="mobi"))
    assert ([Answer.OK, Answer.OK], []) == (done.answers, done.replies)


def test_parts_that_come_in_one_batch_are_joined(house):
    assert 1 == len(house.take(*parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")).replies)


def test_part_sent_again_has_no_effect(house):
    first, second = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    house.take(first)
    house.take(first._replace(session=2))
    house.take(second._replace(session=2))
    done = house.take(second._replace(session=3), first._replace(session=3))
    assert [Answer.OK, Answer.OK] == done.answers
    assert [] == done.replies
    assert [Outcome.REGISTERED] == house.outcomes()


def test_late_part_sent_again_is_known_for_as_long_as_the_first(house):
    first, last = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    house.take(first)
    house.later(minutes=9)
    house.take(last)
    house.later(minutes=14)
    house.take(last._replace(session=2))
    house.later(minutes=10)
    house.gateway.tidy(house.now)
    assert [Outcome.REGISTERED] == house.outcomes()


def test_text_that_lacks_a_part_is_a_syntax_error_after_ten_minutes_and_only_once(house):
    house.take(parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")[0])
    house.later(minutes=9, seconds=59)
    assert {} == house.gateway.tidy(house.now).due
    house.later(seconds=1)
    assert ["viettel"] == list(house.gateway.tidy(house.now).due)
    assert [SYNTAX] == house.take_all()
    house.later(minutes=10)
    assert {} == house.gateway.tidy(house.now).due
    assert [Outcome.SYNTAX_ERROR] == house.outcomes()


def test_part_that_comes_after_the_text_was_answered_is_not_a_new_text(house):
    first, second = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    house.take(first)
    house.later(minutes=10)
    house.gateway.tidy(house.now)
    house.later(minutes=1)
    assert [Answer.OK] == house.take(second).answers
    house.later(minutes=11)
    house.gateway.tidy(house.now)
    assert [Outcome.SYNTAX_ERROR] == house.outcomes()


def test_reference_may_be_used_again_for_another_text(house):
    house.take(*parts(house, "hallo ", "welt"))
    assert 1 == len(house.take(*parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")).replies)


def test_last_part_that_waits_for_a_password_registers_when_it_comes_again(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(0)
    first, second = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    assert [Answer.OK, None] == house.take(first, second).answers
    house.issuer.left = 1
    assert [Answer.OK] == house.take(second).answers
    assert [Outcome.REGISTERED] == house.outcomes()


def test_copy_of_a_last_part_is_not_answered_before_the_part_itself(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(0)
    first, last = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    copy = last._replace(session=2)
    assert [Answer.OK, None, None] == house.take(first, last, copy).answers
    house.issuer.left = 1
    assert [Answer.OK, Answer.OK] == house.take(last, copy).answers
    assert [Outcome.REGISTERED] == house.outcomes()


def test_late_copy_of_a_part_beside_a_last_part_that_waits_for_a_password_loses_no_part(house):
    house.issuer = house.gateway.tools.issuer = FewIssued(0)
    first, middle, last = parts(house, "TK,Nguyen Van An,", "201234567", ",01.02.1990")
    house.take(first, middle)
    house.later(minutes=61)  # too late to be known as sent again
    assert [None, Answer.OK] == house.take(last, first._replace(session=2)).answers
    house.issuer.left = 1
    assert [Answer.OK] == house.take(last).answers
    assert [Outcome.REGISTERED] == house.outcomes()


def test_long_text_sent_again_is_known_though_its_reference_was_used_again(house):
    text = parts(house, "TK,Nguyen Van An,", "201234567,01.02.1990")
    house.take(*text)
    house.take(*parts(house, "hallo ", "welt"))
    house.take(*(part._replace(session=2) for part in text))
    assert [Outcome.REGISTERED, Outcome.SYNTAX_ERROR, Outcome.RETRANSMISSION] == house.outcomes()


# --- housekeeping -----------------------------------------------------------------------------


def test_citizens_story_holds_nobody_elses_texts(house):
    house.text(BINH, OTHER_TEXT)
    house.text(AN, TEXT)
    house.text(AN, TEXT, session=2)  # a retransmission: the next number is no reply to it
    house.hotline.reset_password(BINH, "lan", house.now)
    assert ["mo", "mt", "mo"] == [m.direction for m in house.store.messages(phone="+84905123456")]
    assert not [
        entry for entry in story_of(house.hotline.history(AN)) if "201999999" in entry.detail
    ]
    binhs = house.store.messages(phone="+84905999999", direction="mt")
    assert ["+84905999999"] * 2 == [m.phone for m in binhs]


def test_purge_removes_what_is_older_than_the_rules_say_and_nothing_else(house):
    house.text(AN, TEXT)
    house.text(BINH, OTHER_TEXT)
    house.settle(*(Taken(m.id, "x") for m in house.store.messages(direction=Direction.MT)))
    house.hotline.close_account(BINH, "test", "lan", house.now)
    house.later(days=91)
    house.text("84905000001", "hallo")
    purged = house.hotline.purge_all(house.now)
    assert (4, 0) == (purged.messages, purged.accounts)
    assert ["hallo"] == [m.text for m in house.store.messages(direction=Direction.MO)]
    house.later(days=300)
    assert 1 == house.hotline.purge_all(house.now).accounts
    assert ["Nguyen Van An"] == [a.full_name for a in house.store.accounts()]
    assert {"+84905123456": 1} == house.store.senders(["+84905123456", "+84905999999"])[0]


def test_purged_ids_are_not_used_again(house):
    house.text(AN, "hallo")
    house.settle(*(Taken(m.id, "x") for m in house.store.messages(direction=Direction.MT)))
    house.later(days=91)
    assert 2 == house.hotline.purge_all(house.now).messages
    assert [] == house.store.messages()
    house.text(AN, "hallo")
    assert [4, 3] == [m.id for m in house.store.messages()]


def test_what_still_waits_to_be_sent_is_not_purged(house):
    house.take(house.mo(AN, TEXT), room=0)
    house.later(days=100)
    house.hotline.purge_all(house.now)
    assert 1 == len(house.store.outbox())
    # Nor is the text that it answers, through which it is found.
    assert ["mt", "mo"] == [m.direction for m in house.store.messages(phone="+84905123456")]


def test_purge_goes_on_behind_more_waiting_texts_than_one_step_takes(house):
    waiting = [house.mo(f"8490500{n:04}", "hallo") for n in range(501)]
    house.take(*waiting, room=0)
    house.text(AN, "hallo")
    house.settle(*(Taken(m.id, "x") for m in house.store.messages(direction=Direction.MT, limit=1)))
    house.later(days=91)
    assert 2 == house.hotline.purge_all(house.now).messages
    assert 501 == len(house.store.outbox())


def test_passwords_are_stored_as_argon2id_with_owasp_parameters(house):
    house.text(AN, TEXT)
    (stored,) = house.store._db.execute("SELECT password_hash FROM accounts").fetchone()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.verify(stored, "wrong")
