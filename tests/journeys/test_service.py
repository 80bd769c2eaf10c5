"""The service as a citizen and a carrier see it: child process, TCP, SQLite file."""

import re
from collections import Counter

import pytest

from smsgw.model import Address
from smsgw.simulator import DIALECTS, Point, SmscThread, Status, texts
from tests.wire import QUICK, password_in, texts_to

REGISTERED = re.compile(
    r"TK: (\d{9}|\d{12}), MK: ([a-hjkmnp-z2-9]{8}) la tai khoan su dung HT Chinh quyen dien tu\. "
    r"De nghi anh chi doi mat khau trong vong 03 ngay de bao mat\. Cam on!"
)
ALREADY_REGISTERED = (
    "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"
)
INVALID_DESTINATION = 0x0B  # ESME_RINVDSTADR
REMINDER = re.compile(
    r"Mat khau cu da het han\. TK: (\d+), MK moi: ([a-hjkmnp-z2-9]{8}) la tai khoan su dung HT "
    r"Chinh quyen dien tu\. De nghi anh chi doi mat khau trong vong 03 ngay\. Cam on!"
)


def test_citizen_registers_and_is_answered_to_the_letter(
    smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    child = daemon(config_file(smsc), smsc)
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    reply = smsc.wait_submit()
    username, password = REGISTERED.fullmatch(reply.text).groups()
    assert an.cmnd == username
    assert [(an.e164, an.cmnd, "issued")] == [account[:3] for account in ledger.accounts()]
    assert ledger.password_lives(an.e164, password)
    assert Address("8188", 3, 0) == reply.source
    assert Address(an.number, 1, 1) == reply.destination
    child.until(lambda: ledger.delivered() == 1, what="the receipt")


@pytest.mark.parametrize(
    "sender",
    [
        Address("84905123456", 1, 1),
        Address("+84905123456", 1, 1),
        Address("0905123456", 2, 8),
        Address("905123456", 2, 1),
        Address("0905123456", 0, 0),
        Address("84905123456", 0, 0),
    ],
    ids=lambda address: f"{address.number} {address.ton}/{address.npi}",
)
def test_reply_goes_to_the_number_as_the_carrier_writes_it(
    sender, smsc, config_file, daemon, ledger
):
    daemon(config_file(smsc), smsc)
    smsc.send_mo(sender, "TK;Nguyễn Thị Đào;201234567;1/2/1990")
    reply = smsc.wait_submit()
    assert sender == reply.destination
    assert REGISTERED.fullmatch(reply.text)
    assert ["+84905123456"] == [account[0] for account in ledger.accounts()]


def test_unchanged_password_is_replaced_again_and_again_until_the_citizen_chooses_one(
    smsc, config_file, daemon, smsgw, citizens, ledger
):
    [an] = citizens(1)
    config = config_file(
        smsc,
        registration={
            "password_ttl": "1s",
            "tick_interval": "200ms",
            "reminder_hours": "00:00-24:00",
        },
    )
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    passwords = [password_in(smsc.wait_submit().text)]
    for _ in range(2):
        reminder = REMINDER.fullmatch(smsc.wait_submit().text)
        assert an.cmnd == reminder[1]
        passwords.append(reminder[2])
    chosen = smsgw("-c", config, "accounts", "set-password", an.cmnd, input="Cua toi 2026\n")
    assert 0 == chosen.returncode, chosen.stderr
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    told = len(smsc.submits)
    passwords += [password_in(submit.text) for submit in smsc.submits[len(passwords) :]]
    assert len(passwords) == len(set(passwords))
    for password in ("Cua toi 2026", *passwords):
        verified = smsgw("-c", config, "accounts", "verify-password", an.cmnd, input=password)
        assert (0 if password == "Cua toi 2026" else 1) == verified.returncode
    # Verifying took several times the time to live, and nothing more was texted.
    assert told == len(smsc.submits)


def test_reply_leaves_through_the_link_by_which_the_text_came(
    smsc, config_file, daemon, smsgw, citizens
):
    an, binh = citizens(2)
    with SmscThread() as other:
        config = config_file(smsc.link("viettel"), other.link("mobi"))
        child = daemon(config, smsc, other)
        smsc.send_mo(an.number, an.text)
        other.send_mo(binh.number, binh.text)
        assert an.number == smsc.wait_submit().destination.number
        assert binh.number == other.wait_submit().destination.number
        # The same citizen by another carrier's link: its reply by that one, too.
        other.send_mo(an.number, an.text + ".")
        assert ALREADY_REGISTERED == other.wait_submit(to=an.number).text
        assert 0 == smsgw("-c", config, "accounts", "reset-password", an.cmnd).returncode
        smsc.wait_submit(to=an.number)
        assert 0 == child.terminate()


def test_one_phone_and_one_cmnd_have_one_account_whatever_races(
    smsc, config_file, daemon, citizens, ledger
):
    an, binh = citizens(2)
    with SmscThread() as other:
        child = daemon(config_file(smsc, other), smsc, other)
        sent = {
            (an.number, an.text),
            (binh.number, an.text),
            (an.number, binh.text),
            (an.number, an.text + "."),
        }
        handles = [
            carrier.send_mo(phone, text) for phone, text in sent for carrier in (smsc, other)
        ]
        for handle in handles:
            assert 0 == handle.settled()
        child.until(
            lambda: sum(ledger.outcomes().values()) == 8 and not ledger.waiting(), what="all"
        )
        assert 0 == child.terminate()
        replies = smsc.submits + other.submits
        accounts = ledger.accounts()
        assert len({account[0] for account in accounts}) == len(accounts)
        assert len({account[1] for account in accounts}) == len(accounts)
        registered = [reply for reply in replies if REGISTERED.fullmatch(reply.text)]
        assert len(accounts) == len(registered)
        assert {"registered", "already_registered", "retransmission"} >= set(ledger.outcomes())


def test_long_text_in_parts_over_two_sessions_is_one_registration(
    smsc, config_file, daemon, ledger
):
    name = "Nguyen " + "Thi " * 20 + "Dao"
    config = config_file(smsc.link("a"), smsc.link("b"))
    child = daemon(config)
    smsc.wait_bound(2)
    first, _ = smsc.bound
    parts = smsc.send_parts(
        "84905123456", f"TK,{name},201234567,01.02.1990", size=60, session=first
    )
    assert len(parts) == 2
    for part in parts:
        assert 0 == part.answer()
    assert REGISTERED.fullmatch(smsc.wait_submit().text)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 1 == len(smsc.submits)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_receipts_of_every_dialect_are_matched_and_never_answered(
    dialect, smsc, config_file, daemon, citizens, ledger
):
    smsc.manners.receipts = DIALECTS[dialect]
    [an] = citizens(1)
    child = daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    child.until(lambda: ledger.delivered() == 1, what="the receipt")
    assert 0 == child.terminate()
    assert 1 == len(smsc.submits)
    assert {"registered": 1} == ledger.outcomes()


def test_throttled_link_pauses_probes_and_delivers_everything_once(
    smsc, config_file, daemon, citizens, ledger
):
    people = citizens(15)
    smsc.throttle(4)  # within the first window, so that one pause is enough
    child = daemon(config_file(smsc), smsc)
    smsc.deliver_all([texts.mo(citizen.number, "khong dung cu phap") for citizen in people])
    smsc.until(
        lambda smsc: sum(s.status == 0 for s in smsc.submits) == len(people), 20, "all replies"
    )
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    taken = Counter(s.destination.number for s in smsc.submits if s.status == 0)
    assert {citizen.number: 1 for citizen in people} == taken


def test_one_citizens_failure_holds_up_no_other(smsc, config_file, daemon, smsgw, citizens, ledger):
    an, binh, cuc = citizens(3)
    config = config_file(smsc.link(window=1))
    smsc.answer_to(an.number, INVALID_DESTINATION)
    smsc.answer_to(binh.number, Status.RSYSERR)
    child = daemon(config, smsc)
    for citizen in (an, binh, cuc):
        smsc.send_mo(citizen.number, citizen.text)
    assert REGISTERED.fullmatch(smsc.wait_submit(to=cuc.number).text)
    smsc.wait_submit(to=binh.number)
    smsc.answer_to(binh.number, None)
    second = smsc.wait_submit(to=binh.number)
    assert ledger.password_lives(binh.e164, password_in(second.text))
    child.until(lambda: [an.e164] == ledger.waiting(), what="one failed reply")
    shown = smsgw("-c", config, "outbox", "list", "--format", "csv").stdout
    assert "ESME_RINVDSTADR (0x0000000B)" in shown
    assert ",failed," in shown


def test_answer_comes_after_the_commit_and_never_before(
    smsc, config_file, daemon, citizens, ledger
):
    """When the SMSC reads the answer, another process finds account and reply on the disk."""
    people = citizens(20)
    smsc.manners.receipts = None  # their answers would be counted with the others
    daemon(config_file(smsc), smsc)
    seen = []

    def look(session):
        seen.append(ledger.texts().total())

    smsc.at(Point.ANSWERED, look, times=len(people))
    for citizen in people:
        smsc.send_mo(citizen.number, citizen.text)
    smsc.until(lambda _: len(seen) == len(people), 20, "all answers")
    assert all(found >= number for number, found in enumerate(seen, start=1))


def test_no_answer_means_again_with_the_same_password(smsc, config_file, daemon, citizens, ledger):
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK, response_timeout="300ms"))
    smsc.silence("submits")
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit()
    child.until(lambda: ledger.value("SELECT tries FROM outbox WHERE id > 0") >= 1, what="a try")
    smsc.silence()
    smsc.wait_submit()
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 1 == len(set(texts_to(smsc, an)))
    assert ledger.password_lives(an.e164, password_in(smsc.submits[0].text))


def test_receiver_and_transmitter_serve_as_one_link(smsc, config_file, daemon, citizens, ledger):
    [an] = citizens(1)
    child = daemon(config_file(smsc.link(bind="receiver+transmitter")), smsc, binds=2)
    smsc.send_mo(an.number, an.text)
    assert REGISTERED.fullmatch(smsc.wait_submit().text)
    child.until(lambda: ledger.delivered() == 1, what="the receipt")


def test_unbind_by_the_smsc_is_followed_by_a_fresh_bind(
    smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    daemon(config_file(smsc.link(**QUICK)), smsc)
    smsc.unbind()
    smsc.wait_binds(2)
    smsc.send_mo(an.number, an.text)
    assert REGISTERED.fullmatch(smsc.wait_submit().text)
