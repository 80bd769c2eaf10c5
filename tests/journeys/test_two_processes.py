"""The hotline works beside a daemon under traffic: nobody waits for the other in vain."""

import json
import threading

from tests.wire import QUICK, password_in


def test_commands_of_every_kind_beside_traffic_never_meet_a_locked_database(
    smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    config = config_file(smsc, registration={"password_stock": 40})
    child = daemon(config, smsc)
    an, binh, cuc, dung = registered = citizens(4)
    for citizen in registered:
        smsc.send_mo(citizen.number, citizen.text)
    for citizen in registered:
        smsc.wait_submit(to=citizen.number)

    busy, sent = threading.Event(), []

    def traffic():
        number = 0
        while not busy.is_set():
            number += 1
            phone = f"8490533{number:04d}"
            text = "khong dung" if number % 10 else f"TK,Le Van Ba,2099{number:05d},01.02.1990"
            sent.append(smsc.send_mo(phone, text))
            smsc.until(lambda smsc: sum(not d.done for d in smsc.deliveries) < 20)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        for command, typed in (
            (["accounts", "list"], ""),
            (["accounts", "show", an.number], ""),
            (["accounts", "history", an.cmnd], ""),
            (["accounts", "reset-password", an.number], ""),
            (["accounts", "set-password", binh.cmnd], "Mat khau moi\n"),
            (["accounts", "verify-password", binh.cmnd], "Mat khau moi\n"),
            (["accounts", "close", cuc.cmnd, "--reason", "asked to"], ""),
            (["messages", "list"], ""),
            (["outbox", "list"], ""),
            (["links"], ""),
            (["status"], ""),
            (["stats"], ""),
            (["try", dung.number, dung.text], ""),
            (["expire"], ""),
            (["purge"], ""),
            (["backup", tmp_path / "backup.db"], ""),
        ):
            done = smsgw("-c", config, *command, input=typed)
            assert (0, "") == (done.returncode, done.stderr), command
    finally:
        busy.set()
        thread.join()
    assert len(sent) > 50
    for handle in sent:
        assert 0 == handle.settled()
    # What the hotline ordered has been texted by the daemon, at once and not at its next look.
    again = smsc.wait_submit(to=an.number)
    assert ledger.password_lives(an.e164, password_in(again.text))
    assert ledger.password_lives(binh.e164, "Mat khau moi")
    smsc.send_mo(cuc.number, cuc.text + ".")
    smsc.wait_submit(to=cuc.number, text="la tai khoan su dung")
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert "locked" not in child.log
    assert 0 == child.terminate()
    assert ledger.is_sound()


def test_what_a_command_orders_leaves_at_once(smsc, config_file, daemon, smsgw, citizens):
    [an] = citizens(1)
    config = config_file(smsc)
    daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit()
    assert 0 == smsgw("-c", config, "accounts", "reset-password", an.cmnd).returncode
    smsc.wait_submit(3)


def test_what_a_command_orders_without_a_daemon_leaves_when_one_starts(
    smsc, config_file, daemon, smsgw, citizens, ledger
):
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK))
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit()
    assert 0 == child.terminate()
    told = smsgw("-c", config, "accounts", "reset-password", an.cmnd)
    assert 0 == told.returncode
    down = smsgw("-c", config, "status")
    assert 1 == down.returncode
    assert "the daemon is not running" in down.stdout
    daemon(config, smsc)
    assert ledger.password_lives(an.e164, password_in(smsc.wait_submit().text))


def test_citizens_story_is_told_whole(smsc, config_file, daemon, smsgw, citizens, ledger):
    [an] = citizens(1)
    config = config_file(smsc)
    child = daemon(config, smsc)
    smsc.send_mo(an.number, "TK")
    smsc.send_mo(an.number, an.text)
    child.until(lambda: ledger.delivered() == 2, what="both receipts")
    assert 0 == smsgw("-c", config, "accounts", "reset-password", an.cmnd).returncode
    child.until(lambda: ledger.delivered() == 3, what="the third receipt")
    told = smsgw("-c", config, "accounts", "history", an.cmnd, "--format", "json")
    story = [entry["what"] for entry in json.loads(told.stdout)]
    assert 2 == story.count("mo")
    assert 3 == story.count("mt")
    assert 3 == story.count("mt delivered")
    assert "registered" in story
