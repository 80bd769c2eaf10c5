"""`smsgw links stop` and `start`: one link of a running daemon, while the others go on."""

import json
import re

AN = "84905123456"


def links(smsgw, config):
    result = smsgw("-c", config, "links", "--format", "json")
    assert 0 == result.returncode, result.stderr
    return {link["name"]: link for link in json.loads(result.stdout)}


def state(smsgw, config, name):
    return links(smsgw, config)[name]["state"]


def test_stopped_link_is_down_and_the_other_goes_on(smsc, make_smsc, config_file, daemon, smsgw):
    mobi = make_smsc()
    config = config_file(smsc.link("viettel"), mobi.link("mobi"))
    child = daemon(config, smsc, mobi)
    done = smsgw("-c", config, "links", "stop", "mobi", "--reason", "their SMSC moves")
    assert (0, "mobi: stopped\n", "") == (done.returncode, done.stdout, done.stderr)
    assert [] == mobi.bound
    child.until(lambda: state(smsgw, config, "mobi") == "stopped")
    reason = links(smsgw, config)["mobi"]["reason"]
    assert re.fullmatch(r"by \w+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: their SMSC moves", reason)
    assert 0 == smsc.send_mo(AN, "xin chao").answer()
    smsc.wait_submit()
    (status,) = json.loads(smsgw("-c", config, "status", "--format", "json").stdout)
    assert not status["ok"]
    assert [f"link mobi is stopped: {reason}"] == status["problems"]
    assert "link mobi: stopped who=" in child.log


def test_it_stays_down_over_reload_and_restart_until_it_is_started(
    smsc, make_smsc, config_file, daemon, smsgw
):
    mobi = make_smsc()
    config = config_file(smsc.link("viettel"), mobi.link("mobi"))
    child = daemon(config, smsc, mobi)
    assert 0 == smsgw("-c", config, "links", "stop", "mobi").returncode
    config_file(smsc.link("viettel"), mobi.link("mobi", window=3))
    assert 0 == smsgw("-c", config, "reload").returncode
    assert "stopped" == state(smsgw, config, "mobi")
    child.terminate()
    assert "stopped" == state(smsgw, config, "mobi")
    assert "by " in links(smsgw, config)["mobi"]["reason"]
    child = daemon(config, smsc)
    child.wait_log("bound to")
    assert "stopped" == state(smsgw, config, "mobi")
    assert 1 == mobi.binds
    done = smsgw("-c", config, "links", "start", "mobi")
    assert (0, "mobi: started\n") == (done.returncode, done.stdout)
    child.until(lambda: mobi.binds == 2)
    child.until(lambda: state(smsgw, config, "mobi") == "bound")
    assert links(smsgw, config)["mobi"]["reason"] is None


def test_twice_is_as_once_and_the_first_who_stopped_it_stays(smsc, config_file, daemon, smsgw):
    config = config_file(smsc.link("viettel"))
    daemon(config, smsc)
    assert 0 == smsgw("-c", config, "links", "stop", "viettel", "--reason", "first").returncode
    again = smsgw("-c", config, "links", "stop", "viettel", "--reason", "second")
    assert 0 == again.returncode
    assert re.fullmatch(r"viettel: is stopped already, by .*: first\n", again.stdout)
    assert 0 == smsgw("-c", config, "links", "start", "viettel").returncode
    again = smsgw("-c", config, "links", "start", "viettel")
    assert (0, "viettel: is not stopped\n") == (again.returncode, again.stdout)
    audit = json.loads(smsgw("-c", config, "audit", "--format", "json").stdout)
    assert [
        ("links stop", "link viettel: first"),
        ("links start", "link viettel"),
    ] == [(line["command"], line["detail"]) for line in audit]


def test_unknown_name_is_told_with_those_that_there_are(smsc, config_file, daemon, smsgw):
    config = config_file(smsc.link("viettel"))
    daemon(config, smsc)
    for verb in ("stop", "start", "test"):
        done = smsgw("-c", config, "links", verb, "vittel")
        assert 1 == done.returncode
        assert "smsgw: no link 'vittel'; there are: viettel\n" == done.stderr


def test_without_a_daemon_it_holds_from_the_next_start(smsc, make_smsc, config_file, daemon, smsgw):
    mobi = make_smsc()
    config = config_file(smsc.link("viettel"), mobi.link("mobi"))
    daemon(config, smsc, mobi).terminate()
    done = smsgw("-c", config, "links", "stop", "mobi")
    assert (0, "mobi: stopped; no daemon answers, so it holds from its next start on\n") == (
        done.returncode,
        done.stdout,
    )
    assert "stopped" == state(smsgw, config, "mobi")
    daemon(config, smsc).wait_log("bound to")
    assert "stopped" == state(smsgw, config, "mobi")
    assert 1 == mobi.binds


def test_what_waits_for_it_leaves_by_another_of_its_carrier(
    smsc, make_smsc, config_file, daemon, smsgw
):
    second = make_smsc()
    smsc.silence("submits")
    config = config_file(
        smsc.link("a", carrier="vms", window=1, response_timeout="2s"),
        second.link("b", carrier="vms"),
    )
    child = daemon(config, smsc, second)
    for number in range(3):
        assert 0 == smsc.send_mo(f"8490512345{number}", "xin chao").answer()
    smsc.wait_submit()
    assert 0 == smsgw("-c", config, "links", "stop", "a").returncode
    child.until(lambda: len(second.submits) >= 2, timeout=40)
    child.until(lambda: state(smsgw, config, "a") == "stopped")


def test_text_in_flight_is_waited_for_and_not_sent_twice(smsc, config_file, daemon, smsgw):
    smsc.manners.answer_delay = 1.0
    config = config_file(smsc.link("viettel", response_timeout="5s"))
    child = daemon(config, smsc)
    assert 0 == smsc.send_mo(AN, "xin chao").answer()
    smsc.wait_submit()
    assert 0 == smsgw("-c", config, "links", "stop", "viettel").returncode
    child.until(lambda: state(smsgw, config, "viettel") == "stopped")
    assert 0 == smsgw("-c", config, "links", "start", "viettel").returncode
    child.until(lambda: state(smsgw, config, "viettel") == "bound")
    outbox = json.loads(smsgw("-c", config, "outbox", "list", "--format", "json").stdout)
    assert [] == outbox
    assert 1 == len(smsc.submits)
