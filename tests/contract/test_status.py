"""`status` says what an operator has to know of a carrier that takes nothing."""

import json

from smsgw.simulator import Silence


def test_last_mt_is_one_that_an_smsc_took(smsc, config_file, daemon, smsgw):
    config = config_file(smsc)
    running = daemon(config, smsc)

    def condition():
        [found] = json.loads(smsgw("-c", config, "status", "--format", "json").stdout)
        return found

    smsc.silence(Silence.SUBMITS)
    smsc.send_mo("84905123456", "TK,Nguyen Van An,201234567,01.02.1990")
    smsc.wait_submit()
    before = condition()
    assert (None, 1) == (before["last_mt"], before["queued"])
    assert before["last_mo"] is not None
    smsc.silence()
    smsc.send_mo("84905123457", "xin chao")
    smsc.wait_submit(to="84905123457")
    running.until(lambda: condition()["last_mt"], what="the text that was taken")
    running.kill()  # a clean end would wait ten seconds for the answer to the first
