"""What became of texts is one line each while they are few, and one line for many."""

import asyncio
import json
import logging
import re
from collections import Counter
from typing import Any

import pytest

from smsgw.desk import traffic
from smsgw.desk.follow_up import AtWork
from smsgw.desk.traffic import TrafficLog
from smsgw.gateway import Batch, Done, LastWord
from smsgw.model import MtState, Outcome, Postponed, Refused, Taken
from smsgw.store import Changes


class Link:
    name = "viettel"


class Arrival:
    port = Link()


def texts(ids, answered=True):
    """What a batch did with texts that have these numbers, each answered by the next one."""
    changes = Changes()
    for number in ids:
        changes.add_mo(
            number,
            at=1,
            subscriber=1,
            link="viettel",
            session=1,
            fingerprint=0,
            outcome=Outcome.REGISTERED,
            text="x",
        )
        if answered:
            changes.mts.append((number + 1, 1, 1, "viettel", 1, number))
    return Done(outcomes=Counter({Outcome.REGISTERED: len(ids)}), written=[changes])


def at_work(arrivals=1, results=()):
    came: Any = [Arrival()] * arrivals
    return AtWork(Batch(), came, [], list(results), 0, 0.0)


def lines_of(*batches, level=logging.INFO, caplog=None):
    """What is logged of these (what was done, batch), which come at once."""
    caplog.set_level(level, "smsgw.desk")

    async def scenario():
        log = TrafficLog()
        for done, batch in batches:
            log.add(done, batch, 0.004)
        log.close()

    asyncio.run(scenario())
    return caplog.messages


def test_text_and_its_reply_are_named_by_their_rows(caplog):
    assert ["mo link=viettel mo=17 outcome=registered mt=18 ms=4"] == lines_of(
        (texts([17]), at_work()), caplog=caplog
    )


def test_text_that_is_not_answered_has_no_reply(caplog):
    assert ["mo link=viettel mo=17 outcome=registered ms=4"] == lines_of(
        (texts([17], answered=False), at_work()), caplog=caplog
    )


RESULTS = {
    "taken": (Taken(18, "7F3A "), "result=taken smsc_id=7F3A"),
    "postponed": (
        Postponed(18, "ESME_RTHROTTLED", throttled=True),
        "result=postponed reason=ESME_RTHROTTLED",
    ),
    "refused": (Refused(18, "ESME_RINVDSTADR"), "result=refused reason=ESME_RINVDSTADR"),
}


@pytest.mark.parametrize(("result", "said"), RESULTS.values(), ids=RESULTS)
def test_what_the_smsc_said_names_the_row_and_its_id(caplog, result, said):
    batch = at_work(0, [("viettel", result)])
    assert [f"mt link=viettel mt=18 {said}"] == lines_of((Done(), batch), caplog=caplog)


def test_receipt_names_the_row_and_the_id_of_the_smsc(caplog):
    word = LastWord(18, "viettel", "7F3A", MtState.DELIVERED, "DELIVRD err:000")
    done = Done(last_words=[word])
    assert [
        "receipt link=viettel mt=18 state=delivered smsc_id=7F3A reason=DELIVRD err:000"
    ] == lines_of((done, at_work(0)), caplog=caplog)


def test_many_are_one_line_with_the_first_and_the_last_row(caplog):
    results = [("viettel", Taken(number, "x")) for number in range(2, 42, 2)]
    assert [
        "mo link=viettel registered=20 ids=1-39 ms=4",
        "mt link=viettel taken=20 ids=2-40",
    ] == lines_of((texts(range(1, 41, 2)), at_work(20, results)), caplog=caplog)


def test_each_has_its_line_at_debug_however_many(caplog):
    batches = [(texts(range(1, 41, 2)), at_work(20))]
    assert 20 == len(lines_of(*batches, level=logging.DEBUG, caplog=caplog))


def test_lines_are_no_more_than_so_many_in_a_tenth_of_a_second(caplog):
    batches = [(texts([number]), at_work()) for number in range(1, 201, 2)]
    said = lines_of(*batches, caplog=caplog)
    assert len(said) <= 1 + traffic.MOST_LINES
    assert "mo link=viettel registered=99 ids=3-199 ms=4" == said[-1]


def test_nothing_is_gathered_where_nothing_is_logged(caplog):
    assert [] == lines_of((texts([1]), at_work()), level=logging.WARNING, caplog=caplog)


def test_results_that_could_not_be_stored_are_not_told_as_if_they_were(caplog):
    batch = at_work(0, [("viettel", Taken(18, "7F3A"))])
    assert [] == lines_of((Done(settled=False), batch), caplog=caplog)


@pytest.mark.parametrize("form", ["console", "json"])
def test_log_row_and_carrier_find_each_other(smsc, config_file, daemon, smsgw, form):
    config = config_file(smsc, log={"format": form})
    child = daemon(config, smsc)
    smsc.send_mo("84905123456", "TK,Nguyen Van An,201234567,01.02.1990").answer()
    receipt = child.wait_log(r"receipt link=simulator mt=(\d+) state=delivered smsc_id=(\S+)")
    mt, smsc_id = receipt.groups()
    assert re.search(rf"mo link=simulator mo=\d+ outcome=registered mt={mt} ms=\d+", child.log)
    assert re.search(rf"mt link=simulator mt={mt} result=taken smsc_id={smsc_id}\b", child.log)
    listed = json.loads(smsgw("-c", config, "messages", "list", "--format", "json").stdout)
    assert [smsc_id] == [row["smsc_id"] for row in listed if row["id"] == int(mt)]
    if form == "json":
        lines = [json.loads(line) for line in child.log.splitlines()]
        [line] = [line for line in lines if line.get("state") == "delivered"]
        assert (int(mt), smsc_id) == (line["mt"], line["smsc_id"])
