"""A slip of the hotline's hand changes nothing that it would have to mend."""

import json

import pytest


@pytest.fixture
def registered(smsc, config_file, daemon):
    config = config_file(smsc)
    daemon(config, smsc)
    smsc.send_mo("84905123456", "TK,Nguyen Van An,201234567,01.02.1990")
    smsc.wait_submit(to="84905123456")
    return config


@pytest.mark.parametrize("phone", ["+5352345678", "1900545454", "8188", "An"])
def test_cmnd_is_not_reserved_for_a_phone_that_nobody_answers(phone, registered, smsgw):
    close = ["accounts", "close", "201234567", "--reason", "not hers", "--reserve-for", phone]
    told = smsgw("-c", registered, *close)
    assert (1, "") == (told.returncode, told.stdout)
    assert 1 == len(told.stderr.splitlines())
    [account] = json.loads(
        smsgw("-c", registered, "accounts", "show", "201234567", "--format", "json").stdout
    )
    assert "issued" == account["state"]


def test_audit_tells_a_duration_as_a_person_would(registered, smsgw):
    smsgw("-c", registered, "accounts", "list", "--expiring-within", "1d")
    [line] = json.loads(smsgw("-c", registered, "audit", "--format", "json").stdout)
    assert "expiring-within=24 h: 0" == line["detail"]
