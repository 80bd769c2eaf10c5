"""SIGKILL, SIGTERM and lost lines: what was answered is kept, and every reply arrives once."""

import os
import signal
from collections import Counter

import pytest

from smsgw.simulator import Point, SmscThread
from tests.ledger import Ledger
from tests.saboteur import EXPIRY_POINTS, MAY_DOUBLE, POINTS, command
from tests.wire import QUICK, password_in, texts_to


def kill_at(child, point, smsc):
    """SIGKILL the daemon when a message is at *point* of the simulated SMSC."""

    def strike(session):
        os.kill(child.pid, signal.SIGKILL)
        session.drop()

    smsc.at(point, strike)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_of_a_message_one_account_and_one_reply(
    point, smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK))
    dying = daemon(config, smsc, command=command(point))
    text = smsc.send_mo(an.number, an.text)
    assert -signal.SIGKILL == dying.wait()

    child = daemon(config, smsc)
    assert 0 == text.settled()
    smsc.wait_submits(2 if point in MAY_DOUBLE else 1)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == child.terminate()
    replies = texts_to(smsc, an)
    assert (2 if point in MAY_DOUBLE else 1) == len(replies)
    assert 1 == len(set(replies))
    assert {(an.e164, an.text): 1} == ledger.texts()
    assert ledger.password_lives(an.e164, password_in(replies[0]))
    assert ledger.is_sound()


@pytest.mark.parametrize(
    "moment", [Point.DELIVER_SENT, Point.ANSWER_LOST, Point.SUBMIT_TAKEN], ids=str
)
def test_killed_at_any_moment_that_the_smsc_knows(
    moment, smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK))
    dying = daemon(config, smsc)
    kill_at(dying, moment, smsc)
    text = smsc.send_mo(an.number, an.text)
    assert -signal.SIGKILL == dying.wait()

    child = daemon(config, smsc)
    assert 0 == text.settled()
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == child.terminate()
    replies = texts_to(smsc, an)
    # An answer and its reply leave in one write: who loses the one may have read the other.
    assert 1 <= len(replies) <= (1 if moment is Point.DELIVER_SENT else 2)
    assert 1 == len(set(replies))
    assert {(an.e164, an.text): 1} == ledger.texts()
    assert ledger.password_lives(an.e164, password_in(replies[0]))


@pytest.mark.parametrize("point", EXPIRY_POINTS)
def test_killed_at_any_point_of_an_expiry_pass_nobody_is_skipped_or_doubled(
    point, smsc, config_file, daemon, citizens, ledger
):
    everybody = citizens(3)
    lasting = config_file(smsc.link(**QUICK))
    first = daemon(lasting, smsc)
    for citizen in everybody:
        smsc.send_mo(citizen.number, citizen.text)
    smsc.wait_submits(3)
    assert 0 == first.terminate()
    ledger.let_passwords_lapse()

    hours = {"reminder_hours": "00:00-24:00", "tick_interval": "1s"}
    config = config_file(smsc.link(**QUICK), name="later.toml", registration=hours)
    assert -signal.SIGKILL == daemon(config, command=command(point)).wait()
    child = daemon(config, smsc)
    smsc.wait_submits(6)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == child.terminate()
    for citizen in everybody:
        issued, reminder = texts_to(smsc, citizen)
        assert reminder.startswith("Mat khau cu da het han. ")
        assert not ledger.password_lives(citizen.e164, password_in(issued))
        assert ledger.password_lives(citizen.e164, password_in(reminder))


def test_answer_lost_with_the_line_is_a_retransmission_on_the_next_session(
    smsc, config_file, daemon, citizens, ledger
):
    [an] = citizens(1)
    child = daemon(config_file(smsc.link(**QUICK)), smsc)
    smsc.drop_at(Point.ANSWER_LOST)
    text = smsc.send_mo(an.number, an.text)
    assert 0 == text.settled()
    assert 2 == text.tries
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == child.terminate()
    assert {"registered": 1, "retransmission": 1} == ledger.outcomes()
    # The line was cut with answer and reply on it, in one write: whether the reply was read
    # before, nobody knows, so it may come again; the same text, with the same password.
    assert 1 == len(set(texts_to(smsc, an)))


def test_text_sent_twice_on_a_healthy_line_gets_two_answers(smsc, config_file, daemon, citizens):
    [an] = citizens(1)
    daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number, text="la tai khoan su dung")
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number, text="So CMND da duoc su dung")


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT"])
def test_ended_in_the_middle_of_traffic_nothing_is_lost_and_nothing_comes_twice(
    end, smsc, config_file, daemon, citizens, ledger
):
    with SmscThread() as other:
        links = smsc.link("viettel", **QUICK), other.link("mobi", **QUICK)
        config = config_file(*links)
        child = daemon(config, smsc, other)
        registering, lost = citizens(10), citizens(150)
        sent = {citizen.number: citizen.text for citizen in registering}
        sent |= {citizen.number: f"xin chao {citizen.number}" for citizen in lost}
        handles = []
        for number, (phone, text) in enumerate(sent.items()):
            handles.append((smsc, other)[number % 2].send_mo(phone, text))
            if number == 80:
                smsc.wait_submits(5)
                child.process.send_signal(signal.Signals[end])
        assert 0 == child.wait()

        child = daemon(config, smsc, other)
        for handle in handles:
            assert 0 == handle.settled()
        child.until(lambda: not ledger.waiting(), what="an empty outbox")
        assert 0 == child.terminate()
        replies = Counter(s.destination.number for s in smsc.submits + other.submits)
        assert dict.fromkeys(sent, 1) == replies
        texts = {(f"+{phone}", text): 1 for phone, text in sent.items()}
        assert texts == ledger.texts()
        assert {c.e164 for c in registering} == {account[0] for account in ledger.accounts()}


def test_second_signal_ends_at_once_and_loses_nothing(smsc, config_file, daemon, citizens, ledger):
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK, response_timeout="1h"))
    child = daemon(config, smsc)
    smsc.silence("submits")  # so that the end would wait
    text = smsc.send_mo(an.number, an.text)
    assert 0 == text.answer()
    smsc.wait_submit(to=an.number)
    child.process.send_signal(signal.SIGTERM)
    child.wait_log("ending")
    assert 1 == child.terminate()
    smsc.silence()
    daemon(config, smsc)
    again = smsc.wait_submit(to=an.number)
    assert ledger.password_lives(an.e164, password_in(again.text))


def test_power_lost_after_the_answer_keeps_what_was_answered(
    smsc, config_file, daemon, citizens, tmp_path
):
    """What is in the files when the answer comes, is all: a copy of them has account and reply."""
    [an] = citizens(1)
    child = daemon(config_file(smsc), smsc)
    smsc.silence("submits")
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    child.process.send_signal(signal.SIGSTOP)  # not even a checkpoint follows
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        file = tmp_path / f"smsgw.db{suffix}"
        (copy / file.name).write_bytes(file.read_bytes())
    child.kill()
    ledger = Ledger(copy / "smsgw.db")
    assert [an.e164] == [account[0] for account in ledger.accounts()]
    assert [an.e164] == ledger.waiting()
