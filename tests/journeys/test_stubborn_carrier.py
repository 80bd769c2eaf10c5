"""How texts leave when a carrier refuses, swallows or is down: daemon, TCP, SQLite, commands."""

import json
import os
import signal
import time

import pytest

from smsgw.simulator import SmscThread, Status

#: Patience that a test can wait for.
HASTY = {"response_timeout": "300ms", "reconnect_min": "100ms", "reconnect_max": "300ms"}


def shown(smsgw, config, *command):
    """What a command says, as scripts read it, and its exit status."""
    done = smsgw("-c", config, *command, "--format", "json")
    return json.loads(done.stdout), done.returncode


def condition(smsgw, config):
    ((status,), code) = shown(smsgw, config, "status")
    return status, code


@pytest.fixture
def other_smsc():
    with SmscThread() as smsc:
        yield smsc
    assert smsc.faults == []


def test_sighup_never_ends_the_daemon(smsc, config_file, daemon):
    child = daemon(config_file(smsc), smsc)
    for _ in range(3):
        os.kill(child.pid, signal.SIGHUP)
    child.wait_log("SIGHUP: the configuration is read again")
    smsc.send_mo("84905123456", "hallo")
    assert smsc.wait_submit().text.startswith("Loi.")
    assert 1 == len(smsc.bound)


def test_full_queue_of_one_citizen_keeps_no_other_waiting(smsc, config_file, daemon, citizens):
    full, *others = citizens(6)
    daemon(config_file(smsc), smsc)
    smsc.fill_queue(full.number)
    smsc.send_mo(full.number, "hallo")
    smsc.wait_submit(to=full.number)
    begin = time.monotonic()
    for citizen in others:
        smsc.send_mo(citizen.number, "hallo")
        smsc.wait_submit(to=citizen.number)
    assert time.monotonic() - begin < 1  # a pause of the link
    smsc.fill_queue()
    assert Status.ROK == smsc.wait_submit(to=full.number).status


def test_link_that_was_throttled_once_is_back_within_five_seconds(
    smsc, config_file, daemon, citizens
):
    first, *others = citizens(60)
    daemon(config_file(smsc), smsc)
    smsc.throttle(1)
    smsc.send_mo(first.number, "hallo")
    smsc.wait_submits(2)  # refused, and taken after the pause
    begin = time.monotonic()
    for citizen in others[:20]:
        smsc.send_mo(citizen.number, "hallo")
    smsc.wait_submits(22, timeout=8)
    assert time.monotonic() - begin < 6


def test_carrier_that_refuses_our_short_code_is_told_and_nothing_is_lost(
    smsc, config_file, daemon, smsgw, citizens, ledger
):
    config = config_file(smsc)
    child = daemon(config, smsc)
    smsc.refuse_source(Status.RINVSRCTON)
    for citizen in citizens(3):
        smsc.send_mo(citizen.number, citizen.text)
    smsc.wait_submits(1)
    child.wait_log("the carrier refuses our short code 8188")

    def told():
        status, code = condition(smsgw, config)
        return code == 1 and [p for p in status["problems"] if "short code 8188" in p]

    (problem,) = child.until(told)
    assert "simulator" in problem
    assert "ESME_RINVSRCTON (0x00000048)" in problem
    (link,), _ = shown(smsgw, config, "links")
    assert "bound" == link["state"]
    assert "0x00000048" in link["reason"]
    smsc.refuse_source(None)
    child.until(lambda: smsc.submits[-1].status == 0, timeout=30, what="the next try")
    child.until(lambda: sum(s.status == 0 for s in smsc.submits) == 3, timeout=20)
    child.wait_log("takes our short code again")
    child.until(lambda: condition(smsgw, config)[1] == 0)


def test_text_that_is_never_answered_is_held_and_a_new_bind_sends_it(
    smsc, config_file, daemon, smsgw, citizens
):
    [an] = citizens(1)
    config = config_file(smsc.link(**HASTY))
    child = daemon(config, smsc)
    smsc.swallow()
    smsc.send_mo(an.number, an.text)
    child.wait_log(r"mt=\d+ link=simulator held", timeout=30)
    assert 3 == len(smsc.submits)
    assert 1 == len({submit.text for submit in smsc.submits})
    (reply,), _ = shown(smsgw, config, "outbox", "list")
    assert ("queued", None) == (reply["state"], reply["next_try"])
    assert "held" in reply["reason"]
    status, code = condition(smsgw, config)
    assert (1, ["1 text held: see `smsgw outbox list`"]) == (code, status["problems"])
    smsc.swallow(False)
    smsc.drop()
    child.until(lambda: len(smsc.submits) == 4)
    child.until(lambda: condition(smsgw, config)[1] == 0)


def test_reply_of_a_link_that_is_down_leaves_by_another_of_its_carrier(
    smsc, other_smsc, config_file, daemon, citizens
):
    [an] = citizens(1)
    config = config_file(
        smsc.link("a", carrier="viettel", **HASTY), other_smsc.link("b", carrier="viettel", **HASTY)
    )
    child = daemon(config, smsc, other_smsc)
    smsc.swallow()
    smsc.send_mo(an.number, an.text)
    text = smsc.wait_submit().text
    smsc.stop()
    assert text == other_smsc.wait_submit(40).text
    child.wait_log("link=a cannot send: 1 texts go by b")


def test_reply_of_a_carrier_that_is_gone_waits_and_status_says_so(
    smsc, other_smsc, config_file, daemon, smsgw, citizens
):
    [an] = citizens(1)
    gone, kept = smsc.link("a", carrier="viettel", **HASTY), other_smsc.link("b", carrier="mobi")
    third = other_smsc.link("c", carrier="vina")
    config = config_file(gone, kept)
    child = daemon(config, smsc, other_smsc)
    smsc.swallow()
    smsc.send_mo(an.number, an.text)
    text = smsc.wait_submit().text
    child.terminate()
    config = config_file(kept, third)
    child = daemon(config, other_smsc, binds=2)
    child.wait_log("link=a has texts and is not configured: they wait")
    status, _ = condition(smsgw, config)
    (row,) = [link for link in status["links"] if link["name"] == "a"]
    assert "1 text waits: no link of its carrier viettel is" in row["reason"]
    child.terminate()
    assert [] == other_smsc.submits
    daemon(config_file(kept, other_smsc.link("new", carrier="viettel")), other_smsc, binds=2)
    assert text == other_smsc.wait_submit(30).text


def test_smsc_is_told_until_when_the_password_lives(smsc, config_file, daemon, citizens, ledger):
    [an] = citizens(1)
    daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    said = smsc.wait_submit().validity_period
    assert said.endswith("000+")
    in_three_days = time.strftime("%y%m%d%H", time.gmtime(time.time() + 3 * 86400))
    assert in_three_days[:6] == said[:6] or said[6:8] in ("00", "23")
