"""What nobody should send, and what nobody should configure: one answer, one line, no harm."""

import json
import re
import subprocess
import unicodedata
from typing import Any

import pytest

from smsgw.model import Address
from smsgw.simulator import texts
from smsgw.smpp import codec
from smsgw.smpp.pdu import Tlv
from tests import raw_sqlite
from tests.saboteur import command
from tests.wire import QUICK

SYNTAX_ERROR = (
    "Loi. Tin nhan sai cu phap. Cu phap dung la: "
    "TK,Ho va ten,soCMND,nn.tt.nnnn (ngay thang nam sinh)"
)
CMND = "201234567"

#: Each is one deliver_sm: (short_message, how it is sent).
HOSTILE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "nothing": (b"", {}),
    "nothing, in UCS-2": (b"", {"data_coding": 8}),
    "nothing, in message_payload": (b"", {"payload": True}),
    "blanks": (b" \r\n\t ", {}),
    "a NUL": (b"\0", {}),
    "every octet": (bytes(range(254)), {}),
    "binary": (b"\x00\xff" * 70, {"data_coding": 4}),
    "half a UCS-2 character": (b"\0T\0", {"data_coding": 8}),
    "high surrogate alone": (b"\0T\0K\xd8\x3d\0,", {"data_coding": 8}),
    "low surrogate alone": (b"\xde\x00\0T\0K", {"data_coding": 8}),
    "surrogates in the wrong order": (b"\xde\x00\xd8\x3d", {"data_coding": 8}),
    "surrogate inside a name": (
        "TK,Nguyen Van A\ud83d,201234567,01.02.1990".encode("utf-16-be", "surrogatepass"),
        {"data_coding": 8},
    ),
    "noncharacters": ("\uffff\ufffe\ufdd0".encode("utf-16-be"), {"data_coding": 8}),
    "unknown data_coding": (b"\xf0\x9f\x92\xa9", {"data_coding": 0xFF}),
    "escape at the end": (b"TK\x1b", {}),
    "254 octets": (b"T" * 254, {}),
    "64 K octets": (b"TK," + b"A" * 65000, {"payload": True}),
    "64 K octets of UCS-2": ("ạ".encode("utf-16-be") * 32000, {"payload": True, "data_coding": 8}),
    "SQL": (b"TK,x'; DROP TABLE accounts; --,201234567,01.02.1990", {}),
    "a format": (b"TK,{0}{1}%s%n,201234567,01.02.1990", {}),
    "an escape sequence": (b"TK,\x1b]0;owned\x07,201234567,01.02.1990", {"data_coding": 1}),
    "right-to-left letters": (
        "TK,\u05d0\u202e\u05d1,201234567,01.02.1990".encode("utf-16-be"),
        {"data_coding": 8},
    ),
    "ten thousand commas": (b"," * 10_000, {"payload": True}),
    "ligature of 18 letters": ("\ufdfa".encode("utf-16-be") * 100, {"data_coding": 8}),
    "marks piled up": (
        ("TK,A" + "\u0301" * 20_000 + ",201234567,01.02.1990").encode("utf-16-be"),
        {"data_coding": 8, "payload": True},
    ),
    "a header longer than the text": (b"\xffTK", {"esm_class": 0x40}),
    "a header that ends nowhere": (b"\x05\x00\x03\x01", {"esm_class": 0x40}),
    "part nought of nought": (b"\x05\x00\x03\x01\x00\x00TK", {"esm_class": 0x40}),
    "part three of two": (b"\x05\x00\x03\x01\x02\x03TK", {"esm_class": 0x40}),
    "sar_* without a number": (b"TK", {"tlvs": {Tlv.SAR_TOTAL_SEGMENTS: b"\x02"}}),
    "TLV that no standard knows": (b"TK", {"tlvs": {0x1400: b"\xff" * 100}}),
    "no such day": (b"TK,Nguyen Van An,201234567,31.02.1990", {}),
}


def test_every_hostile_text_gets_one_syntax_error_and_one_line_without_personal_data(
    smsc, config_file, daemon, smsgw, ledger
):
    config = config_file(smsc, gateway={"region": "VN"})
    child = daemon(config, smsc)
    child.wait_log("bound to")
    before = len(child.log.splitlines())
    for number, (kind, (octets, how)) in enumerate(HOSTILE.items()):
        phone = f"849052{number:05d}"
        text = smsc.send_mo(phone, octets, **how)
        assert 0 == text.answer(), kind
        assert SYNTAX_ERROR == smsc.wait_submit(to=phone).text, kind
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    child.until(
        lambda: (
            len(HOSTILE)
            == child.log.count("outcome=syntax_error ")
            + sum(map(int, re.findall(r"syntax_error=(\d+)", child.log)))
        ),
        what="a line for all",  # those that come close together share one
    )
    written = child.log.splitlines()[before:]
    odd = [line for line in written if " WARNING links odd link=simulator kind=" in line]
    assert sorted({line.split("kind=")[1].split()[0] for line in odd}) == [
        line.split("kind=")[1].split()[0] for line in sorted(odd, key=lambda o: o.split("kind=")[1])
    ]  # one line a kind
    kinds = ("mo link=simulator ", "mt link=simulator ", "receipt link=simulator ")
    about = [line for line in written if any(f" INFO desk {kind}" in line for kind in kinds)]
    assert sorted(written) == sorted(odd + about)
    for kind in kinds:
        assert sum(kind in line for line in about) <= len(HOSTILE)
    assert len(HOSTILE) == len(smsc.submits)
    assert {"syntax_error": len(HOSTILE)} == ledger.outcomes()
    assert [] == ledger.accounts()
    assert 1 == smsc.binds
    for secret in (CMND, "84905", "0905", "Nguyen"):
        assert secret not in child.log
    for form in ("table", "json", "csv"):
        shown = smsgw("-c", config, "messages", "list", "--limit", 1000, "--format", form)
        assert 0 == shown.returncode, shown.stderr
        controls = {c for c in shown.stdout if unicodedata.category(c) == "Cc"} - {"\n", "\r"}
        assert set() == controls


#: Senders that are not a telephone number.
NO_TELEPHONE = {
    "a short code": Address("8188", 3, 0),
    "a name": Address("VIETTEL", 5, 0),
    "a name of blanks": Address("   ", 5, 0),
    "nothing": Address("", 0, 0),
    "digits that are too many": Address("84905123456789012345", 1, 1),
    "an injected header": Address("+84\r\nX", 1, 1),
}


def test_senders_that_are_no_telephone_get_no_reply(smsc, config_file, daemon, citizens, ledger):
    child = daemon(config_file(smsc), smsc)
    for kind, sender in NO_TELEPHONE.items():
        assert 0 == smsc.send_mo(sender, b"TK").answer(), kind
    [an] = citizens(1)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 1 == len(smsc.submits)
    assert {"ignored": len(NO_TELEPHONE), "registered": 1} == ledger.outcomes()


def malformed():
    """Octets that are no PDU, by what a gateway has to do about them."""
    good = texts.mo("84905123456", "TK")
    frame = codec.encode(good._replace(sequence=77))
    yield "cut fields", frame[:30].replace(frame[:4], (30).to_bytes(4, "big"), 1), True
    yield "sm_length beyond the end", frame[:-3] + b"\xff" + frame[-2:], True
    yield "an unknown command", bytes.fromhex("00000010 00000428 00000000 00000005"), True
    yield "a stray answer", bytes.fromhex("00000011 80000004 00000000 00000999 00"), True
    yield "a stray bind_resp", bytes.fromhex("00000012 80000009 00000000 00000001 4100"), True
    yield "a stray unbind_resp", bytes.fromhex("00000010 80000006 00000000 00000001"), True
    yield "length nought", bytes(16), False
    yield "length of 4 GiB", b"\xff" * 16, False
    yield "a web page", b"HTTP/1.1 400 Bad Request\r\n\r\n", False


@pytest.mark.parametrize(
    ("octets", "survives"),
    [pytest.param(octets, survives, id=kind) for kind, octets, survives in malformed()],
)
def test_octets_that_are_no_message_never_end_the_process(
    octets, survives, smsc, config_file, daemon, citizens
):
    daemon(config_file(smsc.link(**QUICK)), smsc)
    [session] = smsc.wait_bound()
    smsc.send_raw(octets)
    if not survives:
        smsc.wait_gone(session)
    [an] = citizens(1)
    assert 0 == smsc.send_mo(an.number, an.text).settled()
    smsc.wait_submit(to=an.number)
    assert survives == ([session] == smsc.bound)


STRAY_NUL = bytes.fromhex(
    "000000550000000500000000000000010001013834393035313233343536000300383138380000000000000000000"
    "024544b2c5472616e20546869204d61692c3230313233343536372c30382e30332e3139383800"
)
CONTRADICTING = {
    "UTF-8": (0, "TK,Lê Thị Hà,201234567,08.03.1988".encode()),
    "UCS-2": (0, "TK,Lê Thị Hà,201234567,08.03.1988".encode("utf-16-be")),
    "UCS-2 in the other order": (0, "TK,Lê Thị Hà,201234567,08.03.1988".encode("utf-16-le")),
    "Latin-1": (0, "TK,Lê Thì Hà,201234567,08.03.1988".encode("latin-1")),
    "letters declared as UCS-2": (8, b"TK,Le Thi Ha,201234567,08.03.1988"),
    "letters declared as reserved": (0x0E, b"TK,Le Thi Ha,201234567,08.03.1988"),
    "letters in a message waiting group": (0xD8, b"TK,Le Thi Ha,201234567,08.03.1988"),
    "eth for a crossed d": (
        8,
        "TK,\u00d0ào Thị Hà,201234567,08.03.1988\ufffc".encode("utf-16-be"),
    ),
}


@pytest.mark.parametrize(("coding", "octets"), CONTRADICTING.values(), ids=CONTRADICTING)
def test_text_is_read_whatever_the_smsc_says_of_its_alphabet(
    coding, octets, smsc, config_file, daemon, citizens
):
    daemon(config_file(smsc), smsc)
    [an] = citizens(1)
    assert 0 == smsc.send_mo(an.number, octets, data_coding=coding).answer()
    assert "TK: 201234567, MK: " in smsc.wait_submit(to=an.number).text


def test_provider_that_ends_each_text_with_a_nul_is_served_and_seen(
    smsc, config_file, daemon, smsgw
):
    config = config_file(smsc)
    child = daemon(config, smsc)
    smsc.wait_bound()
    smsc.send_raw(STRAY_NUL)
    assert "TK: 201234567, MK: " in smsc.wait_submit(to="84905123456").text
    for _ in range(3):
        smsc.send_raw(STRAY_NUL)

    def oddities():
        [link] = json.loads(smsgw("-c", config, "links", "--format", "json").stdout)
        return link["carrier"] == "simulator" and link["oddities"]

    child.until(lambda: oddities() == {"stray_octets": 4}, what="four counted")
    assert 1 == child.log.count("odd link=simulator kind=stray_octets begins: deliver_sm: 1 behind")
    status = smsgw("-c", config, "status")
    assert 0 == status.returncode, status.stdout
    assert "simulator stray_octets 4" in status.stdout
    child.terminate()
    daemon(config, smsc)  # what was counted stays
    assert {"stray_octets": 4} == oddities()


def test_pdu_that_never_ends_ends_its_session(smsc, config_file, daemon):
    link = smsc.link(response_timeout="1s", enquire_link_interval="1h", **QUICK)
    child = daemon(config_file(link), smsc)
    [session] = smsc.wait_bound()
    smsc.send_raw(STRAY_NUL[:30])
    smsc.wait_gone(session)
    child.wait_log("a PDU that began was not whole in 1 s")
    smsc.wait_binds(2)


def test_long_text_with_wrong_header_lengths_is_one_text(
    smsc, config_file, daemon, citizens, ledger
):
    daemon(config_file(smsc), smsc)
    [an] = citizens(1)
    cut = len(an.text) // 2
    for number, piece in enumerate((an.text[:cut], an.text[cut:]), start=1):
        octets = bytes((6, 0, 3, 213, 2, number)) + piece.encode()
        assert 0 == smsc.send_mo(an.number, octets, esm_class=0x40).answer()
    assert f"TK: {an.cmnd}, MK: " in smsc.wait_submit(to=an.number).text
    assert {"registered": 1} == ledger.outcomes()


#: More than 1 KiB, so that its fingerprint is kept while it is read.
POISON = b"poison " * 200


def test_input_that_was_being_read_at_two_kills_is_refused_the_next_time(
    smsc, config_file, daemon, smsgw, tmp_path
):
    config = config_file(smsc.link(**QUICK))
    stuck = tmp_path / "stuck"
    for _ in range(2):
        child = daemon(config, smsc, command=command("stuck-on-poison", stuck))
        smsc.wait_bound()
        handle = smsc.send_mo("84905123456", POISON, payload=True)
        child.until(stuck.exists, what="a loop that stands still")
        child.kill()
        stuck.unlink()
    child = daemon(config, smsc)
    assert 0x66 == handle.settled()
    [fingerprint] = re.findall(r"odd link=simulator kind=suspect (\w{8}) begins", child.log)
    assert f"input {fingerprint} is refused from now on" in child.log

    def refused():
        [link] = json.loads(smsgw("-c", config, "links", "--format", "json").stdout)
        return link["oddities"].get(f"suspect {fingerprint}")

    child.until(refused, what="it in links")
    assert 0 == smsc.send_mo("84905123456", b"TK").answer()


# --- starting ----------------------------------------------------------------------------------


def refused(config):
    """The one line with which `run` ends, for a user without root's powers over files."""
    told = subprocess.run(
        [*command("powerless"), "-c", str(config), "run"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert 1 == told.returncode
    assert "" == told.stdout
    *before, line = told.stderr.splitlines()
    assert all(" INFO " in entry for entry in before), told.stderr
    assert line.startswith("smsgw: ")
    return line


def test_wrong_configuration_names_every_fault(smsc, config_file, smsgw):
    config = config_file(
        smsc,
        gateway={"timezone": "Asia/Da_Nang"},
        registration={"password_length": 7, "colour": "red"},
        messages={"registered": "TK: {0}, MK: {1} " + "x" * 140},
    )
    told = smsgw("-c", config, "run")
    assert 1 == told.returncode
    for key in (
        "gateway.timezone",
        "registration.password_length",
        "registration.colour",
        "messages.registered",
    ):
        [line] = [line for line in told.stderr.splitlines() if f"{key}:" in line]
        assert str(config) in line


def test_missing_configuration_is_named(smsgw, tmp_path):
    line = refused(tmp_path / "nowhere.toml")
    assert str(tmp_path / "nowhere.toml") in line


def test_database_of_a_newer_version_is_refused(smsc, config_file, daemon, smsgw, ledger):
    config = config_file(smsc)
    assert 0 == daemon(config, smsc).terminate()
    with raw_sqlite.connect(ledger.database) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('smsgw', 'm999_later', '2030-01-01')"
        )
    db.close()
    line = refused(config)
    assert str(ledger.database) in line
    assert "newer" in line
    told = smsgw("-c", config, "accounts", "list")
    assert 1 == told.returncode
    assert "newer" in told.stderr


def test_missing_folder_is_named(smsc, config_file, smsgw, tmp_path):
    config = config_file(smsc, gateway={"database": str(tmp_path / "missing" / "smsgw.db")})
    assert str(tmp_path / "missing") in refused(config)


def test_file_that_is_no_database_is_named(smsc, config_file, smsgw, ledger):
    config = config_file(smsc)
    ledger.database.write_bytes(b"This is a text and no database. " * 200)
    line = refused(config)
    assert str(ledger.database) in line
    assert "not a database" in line


def test_folder_instead_of_the_database_is_named(smsc, config_file, smsgw, ledger):
    config = config_file(smsc)
    ledger.database.mkdir()
    assert str(ledger.database) in refused(config)


def test_second_daemon_is_refused(smsc, config_file, daemon, smsgw, ledger):
    config = config_file(smsc)
    child = daemon(config, smsc)
    line = refused(config)
    assert str(ledger.database) in line
    assert str(child.pid) in line


def test_port_in_use_is_named(smsc, config_file, smsgw):
    listen = f"127.0.0.1:{smsc.port}"
    line = refused(config_file(smsc, metrics={"listen": listen}))
    assert listen in line
    assert "in use" in line


def test_read_only_file_is_named(smsc, config_file, daemon, smsgw, ledger):
    config = config_file(smsc)
    assert 0 == daemon(config, smsc).terminate()
    ledger.database.chmod(0o400)
    line = refused(config)
    assert str(ledger.database) in line
    assert "readonly" in line


def test_folder_that_may_not_be_written_is_named(smsc, config_file, ledger):
    config = config_file(smsc)
    ledger.database.parent.chmod(0o500)
    line = refused(config)
    assert str(ledger.database) in line
    assert "Permission denied" in line
    ledger.database.parent.chmod(0o700)


def test_lost_key_is_named_and_its_return_saves_the_password(
    smsc, config_file, daemon, smsgw, citizens, ledger
):
    an, binh = citizens(2)
    config = config_file(smsc.link(**QUICK))
    smsc.silence("submits")
    child = daemon(config, smsc)
    assert 0 == smsc.send_mo(an.number, an.text).answer()
    sealed = smsc.wait_submit(to=an.number).text
    child.kill()
    smsc.silence()
    key = ledger.database.with_name("secret.key")
    kept = key.rename(key.with_name("kept"))

    child = daemon(config, smsc)  # goes on: others can be served
    child.wait_log(r"ERROR .*mt=\d+ .*key")
    assert 0 == smsc.send_mo(binh.number, binh.text).answer()
    smsc.wait_submit(to=binh.number)
    [waiting] = json.loads(smsgw("-c", config, "outbox", "list", "--format", "json").stdout)
    assert "failed" == waiting["state"]
    assert "key" in waiting["reason"]
    child.terminate()

    kept.replace(key)
    daemon(config, smsc)
    assert 0 == smsgw("-c", config, "outbox", "retry", waiting["id"]).returncode
    assert sealed == smsc.wait_submit(to=an.number).text
