"""What real carriers and phones send, end to end: the tricks of the simulator at a real daemon."""

import json

import pytest

from smsgw.model import Address
from smsgw.simulator import SmscThread, playbook, tricks
from tests.wire import QUICK, Citizen, password_in, texts_to

ERROR = "Loi. "
NATIONALS_BY_TON_1 = Address("905123456", 1, 1)


@pytest.fixture
def links(smsgw):
    """What `links` tells of each link: `links(config)["viettel"]`."""

    def links(config):
        told = smsgw("-c", config, "links", "--format", "json")
        return {link["name"]: link for link in json.loads(told.stdout)}

    return links


@pytest.fixture
def messages(smsgw):
    """What `messages list` tells of the texts that came, newest first."""

    def messages(config, direction="mo"):
        told = smsgw("-c", config, "messages", "list", "--direction", direction, "--format", "json")
        return json.loads(told.stdout)

    return messages


def passwords_told(smsc, number):
    return [
        password_in(submit.text)
        for submit in smsc.submits
        if submit.destination.number == number and "MK" in submit.text
    ]


def is_nobody_answered(smsc, citizen):
    """A text that must be answered was, and nothing else was sent before it."""
    before = len(smsc.submits)
    smsc.send_mo(citizen.number, "xin chao")
    smsc.wait_submit(to=citizen.number)
    return len(smsc.submits) == before + 1


# --- octets


@pytest.mark.parametrize("trick", ["stray-octets", "stray-tlv"])
def test_stray_octets_cost_no_citizen_his_account_and_are_seen(
    trick, smsc, config_file, daemon, citizens, links, smsgw
):
    [an] = citizens(1)
    config = config_file(smsc)
    daemon(config, smsc)
    [handle] = playbook.play(smsc, f"{trick} {an.number} {an.text}")
    assert 0 == handle.answer()
    assert an.cmnd in smsc.wait_submit(to=an.number).text
    # The daemon says of its links once a second or so.
    told = wait_for(lambda: links(config)["simulator"].get("oddities"))
    assert told
    shown = smsgw("-c", config, "status")
    assert 0 == shown.returncode
    assert "odd" in shown.stdout or "stray" in shown.stdout


def wait_for(happened, times=100):
    """Ask a command again and again; each takes its third of a second."""
    for _ in range(times):
        if result := happened():
            return result
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("trick", ["as-utf8", "as-ucs2"])
def test_text_that_contradicts_its_coding_is_read_in_the_one_way_that_makes_sense(
    trick, smsc, config_file, daemon
):
    daemon(config_file(smsc), smsc)
    playbook.play(smsc, f"{trick} 84905123456 TK,Lê Thị Hà,201234567,08.03.1988")
    assert "TK: 201234567" in smsc.wait_submit().text


def test_wrong_length_of_a_header_makes_one_text_of_two_parts(
    smsc, config_file, daemon, citizens, ledger
):
    an, binh = citizens(2)
    daemon(config_file(smsc), smsc)
    handles = playbook.play(smsc, f"wrong-header {an.number} {an.text}")
    assert [0, 0] == [handle.answer() for handle in handles]
    assert an.cmnd in smsc.wait_submit().text
    assert is_nobody_answered(smsc, binh)


def test_every_group_of_data_coding_is_read_as_the_standard_says(smsc, config_file, daemon, ledger):
    people = {code: Citizen(number) for number, code in enumerate(tricks.GROUPS, start=1)}
    daemon(config_file(smsc), smsc)
    for code, citizen in people.items():
        playbook.play(smsc, f"coded 0x{code:02X} {citizen.number} {citizen.text}")
    smsc.wait_submits(len(people))
    not_read = [hex(code) for code, one in people.items() if ERROR in texts_to(smsc, one)[0]]
    assert [] == not_read


def test_look_alike_letters_and_what_shows_nothing_are_no_error(smsc, config_file, daemon, ledger):
    daemon(config_file(smsc), smsc)
    text = "TK,\u00d0\u00e0o Th\u1ecb H\u00e0,201234567,08.03.1988\ufffc"
    smsc.send_mo("84905123456", text)
    assert "TK: 201234567" in smsc.wait_submit().text
    assert [("Dao Thi Ha",)] == ledger.rows("SELECT full_name FROM accounts")


# --- numbers

ANDORRAN = Address("376312345", 1, 1)
VIETNAMESE = Address("84376312345", 1, 1)
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


def test_andorran_mobile_gets_no_vietnamese_account(
    smsc, config_file, daemon, smsgw, citizens, ledger
):
    [binh] = citizens(1)
    config = config_file(smsc, registration={"repeat": "reset"})
    daemon(config, smsc)
    smsc.send_mo(VIETNAMESE, TEXT)
    password = password_in(smsc.wait_submit(to=VIETNAMESE.number).text)
    smsc.send_mo(ANDORRAN, TEXT)
    assert is_nobody_answered(smsc, binh)  # a country that is not ours
    assert ledger.password_lives("+84376312345", password)
    assert 1 == ledger.outcomes()["ignored"]


def test_andorran_mobile_is_answered_in_andorra_where_the_operator_wants_it(
    smsc, config_file, daemon, ledger
):
    config = config_file(smsc, limits={"countries": ["VN", "AD"]})
    daemon(config, smsc)
    smsc.send_mo(ANDORRAN, TEXT)
    assert ANDORRAN == smsc.wait_submit().destination
    assert ["+376312345"] == [account[0] for account in ledger.accounts()]


def test_carrier_that_writes_nationals_with_ton_1_says_so_in_its_table(
    smsc, config_file, daemon, ledger
):
    config = config_file(smsc.link("viettel", source_numbers="national"))
    daemon(config, smsc)
    smsc.send_mo(ANDORRAN, TEXT)
    assert ANDORRAN == smsc.wait_submit().destination
    assert ["+84376312345"] == [account[0] for account in ledger.accounts()]


def test_national_number_under_ton_1_is_read_and_counted(smsc, config_file, daemon, links, ledger):
    config = config_file(smsc)
    daemon(config, smsc)
    smsc.send_mo(NATIONALS_BY_TON_1, TEXT)
    assert NATIONALS_BY_TON_1 == smsc.wait_submit().destination
    assert ["+84905123456"] == [account[0] for account in ledger.accounts()]
    assert wait_for(lambda: links(config)["simulator"].get("oddities"))


@pytest.mark.parametrize(
    "number",
    ["5352345678", "19005551234", "881612345678", "841900123456"],
    ids=["Cuba", "US 1-900", "satellite", "VN 1900"],
)
def test_nobody_pays_for_answers_abroad_and_to_premium_numbers(
    number, smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    daemon(config_file(smsc), smsc)
    assert 0 == smsc.send_mo(Address(number, 1, 1), TEXT).answer()
    assert is_nobody_answered(smsc, an)
    assert 1 == ledger.outcomes()["ignored"]
    assert [] == ledger.accounts()


# --- our own wording ------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["", " 84905777001"], ids=["its reader", "somebody else"])
def test_forwarded_reply_is_not_answered_and_its_password_is_kept_nowhere(
    sender, smsc, config_file, daemon, citizens, ledger, messages, tmp_path
):
    an, binh = citizens(2)
    config = config_file(smsc)
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    password = password_in(smsc.wait_submit(to=an.number).text)
    [handle] = playbook.play(smsc, f"forward {an.number}{sender}")
    assert 0 == handle.answer()
    assert is_nobody_answered(smsc, binh)
    shown = messages(config)[1]
    assert "ignored" == shown["outcome"]
    assert password not in json.dumps(messages(config))
    assert 0 == child.terminate()
    for file in tmp_path.glob("smsgw.db*"):
        assert password.encode() not in file.read_bytes(), file.name


# --- receipts


def test_receipt_without_flags_from_a_name_settles_nothing_and_is_kept_as_a_text(
    smsc, config_file, daemon, citizens, ledger
):
    an, binh = citizens(2)
    smsc.manners.receipts = None
    daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    [handle] = playbook.play(smsc, f"plain-receipt ABC {an.number}")
    assert 0 == handle.answer()
    assert is_nobody_answered(smsc, binh)
    assert [("sent",)] == ledger.rows("SELECT state FROM sent ORDER BY id LIMIT 1")
    assert 1 == ledger.outcomes()["ignored"]


def test_receipt_without_flags_settles_the_text_whose_number_it_names(
    smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    smsc.manners.receipts = None
    child = daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    playbook.play(smsc, f"plain-receipt {an.number} {an.number}")
    child.until(lambda: ledger.value("SELECT count(*) FROM sent WHERE state = 'failed'"))


@pytest.mark.parametrize("trick", ["receipt-elsewhere", "receipt-from 84905999999"])
def test_receipt_by_the_book_is_found_by_its_id_on_any_link_of_the_carrier(
    trick, smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    smsc.manners.receipts, smsc.manners.id_form = None, "decimal"  # the same letters in both
    config = config_file(smsc.link("a", carrier="vina"), smsc.link("b", carrier="vina"))
    child = daemon(config)
    smsc.wait_bound(2)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    playbook.play(smsc, f"{trick} {an.number}")
    child.until(lambda: ledger.delivered() == 1, what="the receipt")


# --- retransmissions and strangers ----------------------------------------------------------------


def test_another_carrier_neither_repeats_nor_resets(smsc, config_file, daemon, citizens, ledger):
    [an] = citizens(1)
    with SmscThread() as other:
        config = config_file(
            smsc.link("viettel"), other.link("mobi"), registration={"repeat": "reset"}
        )
        daemon(config, smsc, other)
        smsc.send_mo(an.number, an.text)
        password = password_in(smsc.wait_submit(to=an.number).text)
        other.send_mo(an.number, an.text)  # the same octets
        assert "So CMND da duoc" in other.wait_submit(to=an.number).text
        assert ledger.password_lives(an.e164, password)
        smsc.send_mo(an.number, an.text + ".")
        again = password_in(smsc.wait_submit(to=an.number).text)
        assert ledger.password_lives(an.e164, again)
        assert other.faults == []


def test_impatient_smsc_gets_one_account_and_one_reply_for_its_copies(
    smsc, config_file, daemon, citizens, ledger
):
    an, binh = citizens(2)
    child = daemon(config_file(smsc, registration={"password_stock": 0}), smsc)
    handles = playbook.play(smsc, f"copies {an.number} {an.text}")
    assert [0, 0, 0] == [handle.settled() for handle in handles]
    smsc.wait_submit(to=an.number)
    assert is_nobody_answered(smsc, binh)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 1 == len(passwords_told(smsc, an.number)) == len(texts_to(smsc, an))


# --- who pays

FAST = {
    "password_ttl": "1s",
    "tick_interval": "200ms",
    "reminder_hours": "00:00-24:00",
}


def test_texts_that_reach_nobody_end_and_the_citizen_comes_back(
    smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    smsc.manners.receipt_state = "UNDELIV"
    child = daemon(config_file(smsc, registration=FAST | {"undelivered_reminders": 2}), smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submits(2)
    child.until(
        lambda: ledger.value("SELECT password_hash IS NULL FROM accounts") == 1,
        what="the end of the password",
    )
    smsc.manners.receipt_state = "DELIVRD"
    smsc.send_mo(an.number, an.text + ".")
    back = smsc.until(
        lambda core: next((s for s in core.submits[2:] if "TK: " in s.text), None), what="a text"
    )
    assert f"TK: {an.cmnd}" in back.text


def test_closed_cmnd_waits_for_its_owner_alone(smsc, config_file, daemon, citizens, smsgw):
    thief, owner, other = citizens(3)
    config = config_file(smsc.link(**QUICK))
    daemon(config, smsc)
    text = "TK,Nguyen Van An,201234567,01.02.1990"
    smsc.send_mo(thief.number, text)
    smsc.wait_submit(to=thief.number)
    closed = smsgw(
        "-c", config, "accounts", "close", "cmnd:201234567",
        "--reserve-for", owner.number, "--reason", "not his card",
    )  # fmt: skip
    assert 0 == closed.returncode, closed.stderr
    for stranger in (thief, other):
        smsc.send_mo(stranger.number, text + ".")
        assert "So CMND da duoc" in smsc.wait_submit(to=stranger.number).text
    smsc.send_mo(owner.number, text)
    assert "TK: 201234567" in smsc.wait_submit(to=owner.number).text


def test_flood_that_got_in_is_taken_back(smsc, config_file, daemon, smsgw, ledger):
    config = config_file(smsc, registration={"password_stock": 30})
    child = daemon(config, smsc)
    playbook.play(smsc, "registrations 100 0.1")
    smsc.send_mo("84705000001", "TK,Nguyen Van An,201234567,01.02.1990")
    smsc.wait_submits(11)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    words = ["accounts", "close-many", "--registered-since", "1h", "--phone-prefix", "0"]
    flood = sorted({phone[:4] for phone, *_ in ledger.accounts()} - {"+847"})
    for prefix in flood:
        words[-1] = prefix
        done = smsgw("-c", config, *words, "--reason", "flood", "--yes")
        assert 0 == done.returncode, done.stderr
    assert ["+84705000001"] == [phone for phone, *_ in ledger.accounts()]


def test_ceiling_of_replies_is_kept_and_status_says_so(smsc, config_file, daemon, citizens, smsgw):
    people = citizens(4)
    config = config_file(smsc, limits={"replies_per_hour": 2})
    daemon(config, smsc)
    handles = [smsc.send_mo(citizen.number, "xin chao") for citizen in people]
    assert [0] * 4 == [handle.settled() for handle in handles]
    smsc.wait_submits(2)
    told = wait_for(lambda: (done := smsgw("-c", config, "status")).returncode and done)
    assert "replies_per_hour" in told.stdout + told.stderr
    assert 2 == len(smsc.submits)
