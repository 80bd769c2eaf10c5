"""A citizen's rights, a new secret key, a restored backup; and the daemon goes on working."""

import json

import pytest

from tests.wire import QUICK, password_in, texts_to


def done(result):
    assert 0 == result.returncode, result.stderr
    return result.stdout


def octets(folder):
    return b"".join(file.read_bytes() for file in folder.glob("smsgw.db*") if file.is_file())


def test_citizen_is_erased_beside_traffic_and_stands_in_none_of_the_files(
    smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    an, *others = citizens(30)
    config = config_file(smsc, registration={"password_stock": 40})
    child = daemon(config, smsc)
    for citizen in (an, *others):
        smsc.send_mo(citizen.number, citizen.text)
    smsc.wait_submits(30)
    smsc.send_mo(others[0].number, f"TK,Nguyen Van An,{an.cmnd},01.02.1990")
    smsc.wait_submits(31)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")

    refused = smsgw("-c", config, "accounts", "erase", an.cmnd, "--reason", "asked")
    assert 1 == refused.returncode
    assert "close it first" in refused.stderr
    told = json.loads(done(smsgw("-c", config, "accounts", "export", an.number)))
    assert [an.cmnd] == [account["username"] for account in told["accounts"]]
    assert ["mo", "mt"] == [message["direction"] for message in told["messages"]]
    done(smsgw("-c", config, "accounts", "close", an.cmnd, "--reason", "asked"))
    assert an.cmnd.encode() in octets(tmp_path)
    erased = smsgw("-c", config, "accounts", "erase", an.cmnd, "--reason", "asked")
    assert "erased, with 2 texts\n1 text of other phones" in done(erased)
    assert "" == erased.stderr
    found = octets(tmp_path)
    assert [] == [word for word in (an.cmnd, an.number, an.e164) if word.encode() in found]
    assert others[-1].cmnd.encode() in found

    # The number and the CMND are free again, and the daemon knows nothing of who had them.
    smsc.send_mo(an.number, an.text + ".")
    assert (
        f"TK: {an.cmnd}"
        in smsc.until(lambda core: core.submits[31:] and core.submits[31], what="a reply").text
    )
    assert 0 == child.terminate()
    assert ledger.is_sound()


def test_number_that_moved_is_answered_by_its_new_carrier(
    smsc, config_file, daemon, smsgw, citizens
):
    [an] = citizens(1)
    config = config_file(
        smsc.link("viettel", **QUICK), smsc.link("mobi", **QUICK), registration={"repeat": "reset"}
    )
    daemon(config, smsc, binds=2)
    viettel, mobi = smsc.wait_bound(2)
    smsc.send_mo(an.number, an.text, session=viettel)
    home = smsc.wait_submit(to=an.number).session
    away = mobi if home == viettel else viettel
    [account] = json.loads(
        done(smsgw("-c", config, "accounts", "show", an.cmnd, "--format", "json"))
    )
    other = "mobi" if account["link"] == "viettel" else "viettel"
    smsc.send_mo(an.number, an.text + ".", session=away)
    assert "So CMND da duoc" in smsc.wait_submit(to=an.number).text
    moved = ["accounts", "correct", an.cmnd, "--link", other, "--reason", "moved"]
    done(smsgw("-c", config, *moved))
    done(smsgw("-c", config, "accounts", "reset-password", an.cmnd))
    assert away == smsc.wait_submit(to=an.number).session
    smsc.send_mo(an.number, an.text + ";", session=away)
    assert f"TK: {an.cmnd}" in smsc.wait_submit(to=an.number).text


@pytest.mark.parametrize("kept", ["file", "credential"])
def test_secret_key_is_replaced_while_a_text_waits_and_the_text_arrives(
    kept, smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    an, binh = citizens(2)
    config = config_file(smsc.link(**QUICK))
    key, environment = tmp_path / "secret.key", {}
    if kept == "credential":
        key = tmp_path / "credentials" / "secret_key"
        key.parent.mkdir()
        key.write_text("0a" * 32 + "\n")
        environment = {"CREDENTIALS_DIRECTORY": str(key.parent)}
    smsc.answer_to(an.number, 0x08)
    child = daemon(config, smsc, environment=environment)
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    told = smsc.wait_submit(to=an.number).text
    assert "rotated" not in child.log
    assert 0 == child.terminate()

    former, new = key.read_text(), "0b" * 32 + "\n"
    key.write_text(new + former)
    child = daemon(config, smsc, environment=environment)
    child.wait_log("the secret key was rotated: what waits needs its former lines no more")
    assert 0 == child.terminate()

    key.write_text(new)
    smsc.answer_to(an.number, None)
    child = daemon(config, smsc, environment=environment)
    child.until(lambda: not ledger.waiting(), what="the text that waited")
    assert {told} == set(texts_to(smsc, an))
    assert ledger.password_lives(an.e164, password_in(told))
    assert 0 == smsc.send_mo(binh.number, binh.text).answer()
    smsc.wait_submit(to=binh.number)
    done(smsgw("-c", config, "accounts", "reset-password", an.cmnd))
    child.until(lambda: len(set(texts_to(smsc, an))) == 2, what="a new password")


def test_restored_backup_goes_on_working(
    smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    """As docs/operations.md says it. What came after the copy is gone, and nothing is mixed up."""
    an, binh, cuc = citizens(3)
    config = config_file(smsc.link(receipts=False, **QUICK))
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    smsc.answer_to(cuc.number, 0x08)  # a text waits in the copy
    smsc.send_mo(cuc.number, cuc.text)
    waited = smsc.wait_submit(to=cuc.number).text
    child.until(lambda: "0x00000008" in str(ledger.rows("SELECT reason FROM outbox")), what="a try")
    folder = tmp_path / "backups"
    folder.mkdir()
    done(smsgw("-c", config, "backup", "--keep", "2", folder))
    done(smsgw("-c", config, "backup", "--keep", "1", folder))
    smsc.send_mo(binh.number, binh.text)
    lost = smsc.wait_submit(to=binh.number)
    child.until(lambda: len(ledger.waiting()) == 1, what="the answer to it")
    assert 0 == child.terminate()

    old = tmp_path / "old"
    old.mkdir()
    for file in tmp_path.glob("smsgw.db*"):
        file.rename(old / file.name)
    (copy,) = folder.iterdir()
    copy.rename(ledger.database)
    smsc.answer_to(cuc.number, None)
    before = len(smsc.submits)
    child = daemon(config, smsc)
    assert waited == smsc.wait_submit(to=cuc.number).text  # it opens, with the key of that time
    smsc.send_mo(an.number, an.text)  # once more, by an SMSC that did not get our answer
    child.until(lambda: ledger.outcomes()["retransmission"] == 1, what="a retransmission")
    smsc.receipt(lost, state="UNDELIV").settled()  # of a text that the copy knows nothing of
    smsc.send_mo(binh.number, binh.text)
    again = smsc.wait_submit(to=binh.number)
    assert f"TK: {binh.cmnd}" in again.text
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert before + 2 == len(smsc.submits)  # nobody was texted twice
    assert 0 == smsc.receipt(again, state="DELIVRD").settled()
    child.until(lambda: ledger.delivered() == 1, what="the receipt")
    assert [] == ledger.rows("SELECT smsc_id FROM sent GROUP BY smsc_id HAVING count(*) > 1")
    assert 0 == ledger.value("SELECT count(*) FROM sent WHERE state = 'failed'")
    assert {an.e164, binh.e164, cuc.e164} == {account[0] for account in ledger.accounts()}
    done(smsgw("-c", config, "accounts", "reset-password", an.cmnd))
    child.until(lambda: len(texts_to(smsc, an)) == 2, what="a new password")
    assert 0 == child.terminate()
    assert ledger.is_sound()
