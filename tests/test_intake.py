"""What becomes of texts that nobody should be able to make the gateway suffer from, or answer."""

import itertools
import time
from datetime import timedelta
from statistics import median

import pytest

from smsgw import clock
from smsgw.cli.main import execute
from smsgw.gateway import PARTS_OF_A_SENDER, Batch
from smsgw.limits import CEILING_FACT
from smsgw.model import AccountState, Address, Answer, Direction, Ignored, Mo, Outcome, Part
from tests.house import AN, BINH, NOON, OTHER_TEXT, TEXT, House, OneHash, password_in, story_of

ONE_CARRIER = {"mobi": {"carrier": "viettel"}}
NATIONAL = {"viettel": {"source_numbers": "national"}}
ANDORRAN = "376312345"


def reasons(house):
    """Why each MO was ignored, oldest first; None: it was not."""
    return [m.reason for m in reversed(house.store.messages(direction=Direction.MO, limit=1000))]


def ignored(house, *args, **options):
    """Whether a text is ignored, and why."""
    outcome, replies = house.text(*args, **options)
    assert [] == replies or outcome != Outcome.IGNORED
    return house.store.messages(direction=Direction.MO, limit=1)[0].reason if not replies else None


# --- one number that never stops ---------------------------------------------------------------

#: How its texts differ: (octets, session).
TIRELESS = {
    "other texts": lambda n: (n, 1),
    "one text": lambda n: (1, 1),
    "one text on new sessions": lambda n: (1, n),
}


@pytest.mark.parametrize("limit", [10, 0])
@pytest.mark.parametrize("kind", TIRELESS.values(), ids=TIRELESS)
def test_text_costs_the_same_whatever_its_sender_sent_before(make_house, kind, limit):
    house = make_house(limits={"replies_per_phone_per_hour": limit})
    numbers = itertools.count(1)

    def texts(sender, how_many):
        for number in itertools.islice(numbers, how_many):
            octets, session = kind(number)
            yield Mo("viettel", session, Address(sender, 1, 1), "hallo", octets)

    def cost(sender):
        (mo,) = texts(sender, 1)
        house.later(milliseconds=1)
        batch = Batch(mos=[mo], room={"viettel": 10})
        start = time.thread_time()
        assert [Answer.OK] == house.gateway.commit(batch, house.now).answers
        return time.thread_time() - start

    for number in range(50):
        cost(f"8490{number:07}")
    for _ in range(20):
        house.gateway.commit(Batch(mos=list(texts(AN, 250))), house.now)
    pairs = [(cost(f"8490{number:07}"), cost(AN)) for number in range(100, 300)]
    # The figure to reach is 1.2 after 50,000 (the bench's); these machines are shared.
    assert median(later for _, later in pairs) < 1.5 * median(first for first, _ in pairs)


def test_sender_who_never_stops_is_recorded_a_hundred_times_an_hour_and_then_counted(house):
    for number in range(130):
        house.text(AN, f"hallo {number}")
    house.take(*(house.mo(AN, f"again {number}") for number in range(70)))
    assert [None] * 10 + [Ignored.PHONE_LIMIT] * 90 == reasons(house)
    counts = {c.outcome: c.count for c in house.store.stats(None, house.gateway.rules.zone)}
    assert (10, 190) == (counts["syntax_error"], counts["ignored"])
    told = [entry.detail for entry in story_of(house.hotline.history(AN))]
    assert "ignored: 100 more within the hour, which were only counted" in told
    assert 200 == next(link.mo for link in house.store.links() if link.name == "viettel")


def test_hour_that_comes_has_a_hundred_of_its_own(house):
    for number in range(120):
        house.text(AN, f"hallo {number}")
    house.later(hours=1, seconds=1)
    for number in range(120):
        house.text(AN, f"again {number}")
    assert ([None] * 10 + [Ignored.PHONE_LIMIT] * 90) * 2 == reasons(house)
    assert [20, 20] == [n for (n,) in house.store._all("SELECT number FROM surplus")]


@pytest.mark.parametrize("limit", [0, 10])
def test_retransmissions_beyond_a_hundred_an_hour_are_only_counted(make_house, limit):
    house = make_house(limits={"replies_per_phone_per_hour": limit})
    for session in range(150):
        house.text(AN, "hallo", session=session)
    expected = [Outcome.SYNTAX_ERROR] + [Outcome.RETRANSMISSION] * 99
    assert expected == [
        m.outcome for m in reversed(house.store.messages(direction=Direction.MO, limit=999))
    ]


def test_whatever_is_answered_is_recorded_where_there_is_no_limit(make_house):
    house = make_house(limits={"replies_per_phone_per_hour": 0})
    for number in range(150):
        house.text(AN, f"hallo {number}")
    assert [None] * 150 == reasons(house)


def test_senders_that_are_no_telephones_are_bounded_too(house):
    house.take(*(house.mo("VIETTEL", f"khuyen mai {n}", ton=5) for n in range(150)))
    assert [Ignored.SENDER] * 100 == reasons(house)


@pytest.mark.parametrize("size", [1, 3, 25])
def test_limit_is_kept_over_restarts_and_in_batches_of_any_size(house, size):
    replies = 0
    for start in range(0, 75, size):
        mos = [house.mo(AN, f"hallo {start + n}") for n in range(size)]
        replies += len(house.take(*mos).replies)
        if start % 2:
            house.restart()
    assert 10 == replies


def test_limit_rolls_with_the_hour(house):
    answered = []
    for minute in range(0, 180, 5):
        house.now = NOON + timedelta(minutes=minute)
        answered.append(bool(house.text(AN, f"hallo {minute}")[1]))
    assert ([True] * 10 + [False] * 2) * 3 == answered


def test_batch_that_failed_counts_for_nobody(house):
    for number in range(9):
        house.text(AN, f"hallo {number}")
    house.path.rename(house.path.with_suffix(".gone"))
    assert [Answer.LATER] == house.take(house.mo(AN, "lost")).answers
    house.path.with_suffix(".gone").rename(house.path)
    assert 1 == len(house.take(house.mo(AN, "tenth")).replies)
    assert 0 == len(house.take(house.mo(AN, "eleventh")).replies)


def test_clock_that_was_ahead_silences_nobody(house):
    for limit_is_kept_in in ("store", "memory"):
        house.later(days=30)
        for number in range(11):
            house.text(AN, f"{limit_is_kept_in} {number}")
        house.later(days=-29)
        if limit_is_kept_in == "store":
            house.restart()
        assert house.text(AN, f"{limit_is_kept_in} again")[1]


def test_what_was_counted_goes_with_what_was_recorded(house):
    for number in range(130):
        house.text(AN, f"hallo {number}")
    house.later(days=95)
    house.restart()
    house.take_all()  # given up
    house.hotline.purge_all(house.now)
    house.later(days=95)
    house.hotline.purge_all(house.now)
    for table in ("mo", "ignored", "surplus", "subscribers"):
        assert [] == house.store._all(f"SELECT * FROM {table}"), table  # noqa: S608


# --- who is answered ---------------------------------------------------------------------------

UNANSWERED = {
    "satellite": ("881631234567", Ignored.COUNTRY),
    "Cuba": ("5351234567", Ignored.COUNTRY),
    "US 1-900": ("19005551234", Ignored.COUNTRY),
    "VN 1900": ("8419001234", Ignored.KIND_OF_NUMBER),
    "VN 1800": ("841800561234", Ignored.KIND_OF_NUMBER),
    "short code": ("1414", Ignored.SENDER),
}


@pytest.mark.parametrize(("sender", "reason"), UNANSWERED.values(), ids=UNANSWERED)
def test_numbers_that_somebody_pays_for_are_recorded_and_not_answered(house, sender, reason):
    assert reason == ignored(house, sender, TEXT)
    assert [] == list(house.store.accounts())


def test_countries_of_the_configuration_are_answered(make_house):
    house = make_house(limits={"countries": ["VN", "CU"]})
    assert house.text("5351234567", TEXT)[1]
    assert Ignored.COUNTRY == ignored(house, "19005551234", OTHER_TEXT)


def test_what_kind_a_number_is_is_asked_once_a_sender(house, monkeypatch):
    import phonenumbers

    asked = []
    monkeypatch.setattr(phonenumbers, "number_type", lambda number: asked.append(number) or 99)
    for number in range(3):
        house.text("5356543210", f"hallo {number}")
        house.text(AN, f"hallo {number}")
    assert 1 == len(asked)


def test_no_reminder_goes_where_no_text_may_go_and_the_password_ends(make_house):
    house = make_house(limits={"countries": ["VN", "AD"]})
    house.text(ANDORRAN, TEXT)
    house.take_all()
    strict = house.settings.limits.model_copy(update={"countries": ("VN",)})
    house.settings = house.settings.model_copy(update={"limits": strict})
    house.restart()
    house.later(days=3)
    expired = house.gateway.expire(house.now)
    assert (0, 1) == (expired.replaced, expired.ended)
    assert house.account("201234567").password_expires_at is None
    assert "country" in story_of(house.hotline.history("201234567"))[-1].reason


# --- which number it is -------------------------------------------------------------------------


def test_andorran_with_ton_international_is_no_vietnamese(make_house):
    """Her reset must not send the password of +84376312345 to Andorra."""
    house = make_house(registration={"repeat": "reset"}, limits={"countries": ["*"]})
    house.text("0376312345", TEXT)
    outcome, _ = house.text(ANDORRAN, TEXT, ton=1)
    assert outcome == Outcome.ALREADY_REGISTERED
    assert "+376312345" == house.store.messages(limit=1)[0].phone


def test_link_whose_carrier_writes_national_numbers_with_ton_international(make_house):
    house = make_house(links=NATIONAL)
    done = house.take(house.mo(ANDORRAN, TEXT, ton=1))
    (mt,) = done.replies
    assert "+84376312345" == house.account("201234567").phone
    assert Address(ANDORRAN, 1, 1) == mt.to  # as that carrier writes, and reads
    assert {("viettel", "ton_1_national"): 1} == done.oddities


def test_number_of_ton_international_that_is_read_as_national_is_counted_once_a_text(house):
    first, last = (
        house.mo("905123456", None, part=Part("8:7", 2, n, 0, b"hallo", (0, 0))) for n in (1, 2)
    )
    done = house.take(
        house.mo("905123456", TEXT),
        house.mo("905123456", "a", ton=2),
        house.mo(AN, "b"),
        first,
        last,
    )
    assert {("viettel", "ton_1_national"): 2} == done.oddities


# --- the ceiling of the whole gateway -----------------------------------------------------------


def test_gateway_past_its_limit_records_and_does_not_answer(make_house):
    house = make_house(limits={"replies_per_hour": 3})
    many = [house.mo(f"849050000{n:02}", "hallo") for n in range(5)]
    assert 3 == len(house.take(*many).replies)
    house.restart()
    assert Ignored.GATEWAY_LIMIT == ignored(house, AN, TEXT)
    assert [None] * 3 + [Ignored.GATEWAY_LIMIT] * 3 == reasons(house)
    house.later(hours=1, seconds=1)
    assert Outcome.REGISTERED == house.text(AN, TEXT)[0]


def test_limit_of_the_gateway_is_told_until_there_is_room(make_house):
    house = make_house(limits={"replies_per_hour": 2})
    house.text(AN, "hallo")
    house.later(minutes=20)
    assert house.store.fact(CEILING_FACT) is None
    house.text(AN, "hallo zwei")
    until = int(house.store.fact(CEILING_FACT)) / 1e6
    assert (NOON + timedelta(hours=1)).timestamp() == until


def test_status_says_that_the_limit_of_the_gateway_is_reached(make_house, monkeypatch, capsys):
    house = make_house(limits={"replies_per_hour": 1})
    house.now = clock.now()
    house.text(AN, "hallo")
    monkeypatch.setenv("SMSGW_CONFIG", str(house.path.parent / "house.toml"))
    assert 1 == execute(["status"])
    assert "limits.replies_per_hour (1) is reached: no text is answered" in capsys.readouterr().out


def test_limit_of_the_gateway_stops_neither_reminders_nor_the_hotline(make_house):
    house = make_house(limits={"replies_per_hour": 1})
    house.text(AN, TEXT)
    house.hotline.reset_password(AN, "lan", house.now)
    assert 1 == len(house.take_all())
    house.later(days=3)
    house.text(BINH, "hallo")
    assert 1 == house.gateway.expire(house.now).replaced
    assert 1 == len(house.take_all())


def test_texts_that_are_not_answered_count_for_no_limit(make_house):
    house = make_house(limits={"replies_per_hour": 1})
    for number in range(5):
        house.text("VIETTEL", f"khuyen mai {number}", ton=5)
    assert house.text(AN, TEXT)[1]


# --- our own wording ---------------------------------------------------------------------------


def stored(house):
    house.store.truncate_log()
    return b"".join(file.read_bytes() for file in house.path.parent.glob("smsgw.db*"))


def test_forwarded_reply_is_kept_without_its_password_and_not_answered(house):
    _, (reply,) = house.text(AN, TEXT)
    secret = password_in(reply)
    assert Ignored.OWN_WORDING == ignored(house, BINH, f"Fwd: {reply} Giup em voi")
    text = house.store.messages(direction=Direction.MO, limit=1)[0].text
    assert f"Fwd: {reply} Giup em voi".replace(secret, "********") == text
    assert secret.encode() not in stored(house)


def test_nothing_by_which_a_password_could_be_tried_is_kept_of_it(house):
    _, (reply,) = house.text(AN, TEXT)
    house.text(BINH, reply)
    mask = 2**41 - 1
    (fingerprint,) = house.store._one("SELECT fingerprint FROM mo ORDER BY id DESC LIMIT 1")
    assert 0 == fingerprint & mask


@pytest.mark.parametrize("sender", [AN, BINH, "VIETTEL", "8188", "5351234567"])
def test_own_wording_is_masked_whoever_sends_it(make_house, sender):
    house = make_house(limits={"replies_per_phone_per_hour": 1})
    _, (reply,) = house.text(AN, TEXT)
    for session in (1, 2):
        assert Ignored.OWN_WORDING == ignored(house, sender, reply.upper(), session=session)
    assert password_in(reply).upper().encode() not in stored(house)


def long_text(house, text, sender=BINH, ref="8:9", size=60, **options):
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    return [
        house.mo(sender, None, part=Part(ref, len(pieces), n, 0, p.encode(), (0, 0)), **options)
        for n, p in enumerate(pieces, 1)
    ]


def test_forwarded_reply_in_parts_leaves_no_password(house):
    _, (reply,) = house.text(AN, TEXT)
    mos = long_text(house, f"Giup em voi: {reply}")
    house.take(*mos)
    assert [None, Ignored.OWN_WORDING] == reasons(house)
    assert password_in(reply).encode() not in stored(house)
    house.take(*(mo._replace(session=2) for mo in mos))
    house.later(minutes=11)
    house.gateway.tidy(house.now)
    assert [None, Ignored.OWN_WORDING] == reasons(house)


@pytest.mark.parametrize("size", [67, 134, 153])
def test_forwarded_reply_leaves_no_password_while_its_parts_wait(house, size):
    _, (reply,) = house.text(AN, TEXT)
    for start in range(0, 30, 3):
        mos = long_text(house, f"{'x' * start} {reply}", ref=f"8:{start}", size=size)
        house.take(*mos[:-1])
        pieces = (password_in(reply)[:5].encode(), password_in(reply)[3:].encode())
        kept = b"".join(octets for (octets,) in house.store._all("SELECT octets FROM parts"))
        assert not [piece for piece in pieces if piece in kept.replace(b"\0", b"")]
        house.take(mos[-1], mos[0]._replace(session=2))
        assert Ignored.OWN_WORDING == reasons(house)[-1]
        assert 2 + start // 3 == len(reasons(house))


def test_forwarded_reply_that_lacks_a_part_leaves_no_password(house):
    _, (reply,) = house.text(AN, TEXT)
    house.take(*long_text(house, f"Giup em voi: {reply}")[:-1])
    house.later(minutes=10)
    house.gateway.tidy(house.now)
    assert [None, Ignored.OWN_WORDING] == reasons(house)
    assert password_in(reply).encode() not in stored(house)


def test_text_of_64_kilobytes_is_kept_as_far_as_it_was_looked_at(house):
    house.text(AN, "x" * 65_000)
    assert "x" * 2000 + " [...]" == house.store.messages(direction=Direction.MO)[0].text


def test_wording_of_an_earlier_configuration_is_known(make_house):
    house = make_house(
        messages={"registered": "Xin chao! Ten cua ban la {0}, mat khau cua ban la {1}"}
    )
    _, (reply,) = house.text(AN, TEXT)
    house.settings = House(house.path.parent).settings
    house.restart()
    assert Ignored.OWN_WORDING == ignored(house, BINH, f"Fwd: {reply}")


# --- carriers ----------------------------------------------------------------------------------


def test_reset_by_another_carrier_is_refused_and_leaves_a_line(make_house):
    house = make_house(registration={"repeat": "reset"})
    _, (reply,) = house.text(AN, TEXT)
    for _ in range(3):
        assert Outcome.ALREADY_REGISTERED == house.text(AN, TEXT, link="mobi")[0]
    assert house.opens(AN, password_in(reply))
    lines = [e for e in house.store.account_history(1) if e.event == "other carrier"]
    assert ["a text of this number came by link mobi"] == [line.reason for line in lines]


def test_reset_by_another_link_of_the_carrier_is_one(make_house):
    house = make_house(registration={"repeat": "reset"}, links=ONE_CARRIER)
    house.text(AN, TEXT)
    assert Outcome.REGISTERED == house.text(AN, TEXT, link="mobi")[0]


def test_try_answers_as_by_a_link_of_the_accounts_carrier(make_house):
    house = make_house(registration={"repeat": "reset"})
    house.text(AN, TEXT, link="mobi")
    assert Outcome.REGISTERED == house.hotline.try_text(AN, TEXT, house.now).outcome


# --- the way back ------------------------------------------------------------------------------


@pytest.fixture
def ended(make_house):
    """An account whose password was deleted after its last reminder."""
    house = make_house(registration={"max_reminders": 1}, limits={"replies_per_phone_per_hour": 99})
    house.text(AN, TEXT)
    for _ in range(2):
        house.later(days=3)
        house.gateway.expire(house.now)
    assert house.account().password_expires_at is None
    return house


def test_citizen_whose_password_ended_gets_a_new_one_by_texting(ended):
    outcome, (reply,) = ended.text(AN, TEXT)
    assert outcome == Outcome.REGISTERED
    assert ended.opens(AN, password_in(reply))
    assert AccountState.ISSUED is ended.account().state
    assert Outcome.ALREADY_REGISTERED == ended.text(AN, TEXT)[0]


@pytest.mark.parametrize(
    ("phone", "text", "link"),
    [
        (BINH, TEXT, "viettel"),
        (AN, OTHER_TEXT, "viettel"),
        (AN, "TK,Nguyen Van An,201234567,02.02.1990", "viettel"),
        (AN, TEXT, "mobi"),
    ],
    ids=["other phone", "other CMND", "other date of birth", "other carrier"],
)
def test_password_that_ended_comes_back_to_nobody_else(ended, phone, text, link):
    assert Outcome.ALREADY_REGISTERED == ended.text(phone, text, link=link)[0]


def test_password_comes_back_three_times_a_day_at_most(ended):
    outcomes = []
    for number in range(4):
        ended.later(minutes=1)
        outcomes.append(ended.text(AN, TEXT, session=number + 10)[0])
        ended.store._db.execute("UPDATE accounts SET password_hash = NULL")
        ended.later(minutes=20)
    assert [Outcome.REGISTERED] * 3 + [Outcome.ALREADY_REGISTERED] == outcomes


# --- parts of long texts -----------------------------------------------------------------------


def test_hundreds_of_incomplete_texts_are_all_answered(house):
    house.issuer = house.gateway.tools.issuer = OneHash()
    senders = [f"8490500{n:04}" for n in range(1000)]
    part = Part("8:7", 2, 1, 0, b"TK,Nguyen Van An,", (0, 0))
    assert [Answer.OK] * 1000 == house.take(
        *(house.mo(s, None, part=part) for s in senders)
    ).answers
    house.later(minutes=45)  # as after a stop of the gateway
    steps = 1
    while house.gateway.tidy(house.now).more:
        steps += 1
    assert 5 < steps < 50
    assert [Outcome.SYNTAX_ERROR] * 1000 == [
        m.outcome for m in house.store.messages(direction=Direction.MO, limit=2000)
    ]


def test_parts_that_wait_are_bounded_for_a_sender_and_nothing_acknowledged_is_lost(house):
    mos = [house.mo(AN, None, part=Part(f"8:{n}", 2, 1, 0, b"hallo", (0, 0))) for n in range(300)]
    answers = house.take(*mos).answers
    assert [Answer.OK] * PARTS_OF_A_SENDER + [Answer.LATER] * 45 == answers
    house.later(minutes=10)
    while house.gateway.tidy(house.now).more:
        pass
    (counted,) = house.store._one("SELECT sum(number) FROM surplus")
    assert PARTS_OF_A_SENDER == len(reasons(house)) + counted
    assert [Answer.OK] == house.take(mos[-1]).answers


def test_parts_that_wait_are_bounded_for_a_link(house, monkeypatch):
    monkeypatch.setattr("smsgw.gateway.long_texts.PARTS_OF_A_LINK", 5)
    mos = [
        house.mo(f"8490500000{n}", None, part=Part("8:7", 2, 1, 0, b"hallo", (0, 0)))
        for n in range(8)
    ]
    assert [Answer.OK] * 5 + [Answer.LATER] * 3 == house.take(*mos).answers
    assert [Answer.LATER] == house.take(mos[-1]).answers
    assert [Answer.OK] == house.take(mos[-1]._replace(link="mobi")).answers
    last = mos[0].part._replace(number=2)
    assert [Answer.OK] == house.take(mos[0]._replace(part=last, fingerprint=99)).answers


def test_longest_text_of_all_is_whole_with_its_last_part(house):
    mos = long_text(house, "x" * 255, size=1)
    assert [Answer.OK] * 255 == house.take(*mos).answers
    assert ["x" * 255] == [m.text for m in house.store.messages(direction=Direction.MO)]


def test_part_longer_than_any_is_refused(house):
    part = Part("8:7", 2, 1, 0, b"x" * 256, (0, 0))
    assert [Answer.LATER] == house.take(house.mo(AN, None, part=part)).answers
    assert [] == house.store._all("SELECT * FROM parts")


def test_arrival_of_a_part_reads_none_of_the_others(house):
    first, *others, last = long_text(house, "x" * 250, size=1)
    house.take(first, *others[:-1])
    read = []
    house.store._db.set_trace_callback(read.append)
    house.take(others[-1])
    house.store._db.set_trace_callback(None)
    whole = [s for s in read if "SELECT" in s and "octets, joined" in s]
    assert not whole
    house.take(last)
    assert ["x" * 250] == [m.text for m in house.store.messages(direction=Direction.MO)]
