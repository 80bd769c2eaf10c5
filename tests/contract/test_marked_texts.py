"""A citizen's text that its SMSC marks as a receipt is answered as taken: it is kept, and seen."""

import json

import pytest

from smsgw.simulator import texts
from smsgw.simulator.tricks import Odd

MARKS = {"receipt": 0x04, "acknowledgement by the phone": 0x08, "intermediate": 0x20}


def rows(result):
    assert "" == result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def mos(smsgw):
    return lambda config: rows(
        smsgw("-c", config, "messages", "list", "--direction", "mo", "--format", "json")
    )


@pytest.fixture
def oddities(smsgw):
    def oddities(config):
        [link] = rows(smsgw("-c", config, "links", "--format", "json"))
        return link["oddities"]

    return oddities


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_registration_marked_as_a_receipt_is_kept_and_counted(
    mark, smsc, config_file, daemon, mos, oddities
):
    config = config_file(smsc)
    running = daemon(config, smsc)
    text = "TK,Nguyen Van An,201234567,01.02.1990"
    [handle] = smsc.send_odd(Odd(texts.mo("84905123456", text, esm_class=mark)))
    assert 0 == handle.answer()
    [kept] = mos(config)
    assert ("+84905123456", text) == (kept["phone"], kept["text"])
    assert ("ignored", "receipt") == (kept["outcome"], kept["reason"])
    running.until(lambda: oddities(config).get("receipt_unmatched"), what="it is counted")
    assert [] == smsc.submits


def test_mark_with_nothing_behind_it_is_counted_alone(smsc, config_file, daemon, mos, oddities):
    config = config_file(smsc)
    running = daemon(config, smsc)
    [handle] = smsc.send_odd(Odd(texts.mo("84905123456", b"", esm_class=0x04)))
    assert 0 == handle.answer()
    running.until(lambda: oddities(config).get("receipt_unmatched"), what="it is counted")
    assert [] == mos(config)


def test_our_own_password_in_a_marked_text_is_masked(smsc, config_file, daemon, mos):
    config = config_file(smsc)
    daemon(config, smsc)
    smsc.send_mo("84905123456", "TK,Nguyen Van An,201234567,01.02.1990")
    reply = smsc.wait_submit(to="84905123456").text
    [handle] = smsc.send_odd(Odd(texts.mo("84905777001", reply, esm_class=0x04)))
    assert 0 == handle.answer()
    newest = mos(config)[0]
    assert "MK: ********" in newest["text"]
