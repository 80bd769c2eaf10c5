"""No password is where somebody could read it, but on the citizen's phone."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from smsgw.datakeys import DataKeys, KeyFile, file_of, read
from smsgw.errors import SmsgwError
from smsgw.simulator import SmscThread
from smsgw.vault import Vault
from tests.saboteur import command
from tests.wire import QUICK, password_in

TESTS = Path(__file__).parents[1]
BIND_PASSWORD = "b1ndsecr"
OWN_PASSWORD = "Mat khau rieng 42"

#: What shows data, and how.
SHOWN = [
    ("accounts list", "csv"),
    ("accounts show AN", "json"),
    ("accounts history AN", "table"),
    ("accounts history CUC", "json"),
    ("messages list", "json"),
    ("messages list", "table"),
    ("outbox list", "json"),
    ("outbox list", "csv"),
    ("links", "json"),
    ("status", "table"),
    ("try 84905777777 TK,Le,209999999,01.02.1990", "json"),
]


@pytest.fixture
def guarded_smsc():
    with SmscThread(accounts={"smsgw": BIND_PASSWORD}) as smsc:
        yield smsc


def written(secret):
    """The ways in which a secret could stand in a file."""
    octets = secret.encode()
    return {octets, octets.hex().encode(), base64.b64encode(octets), secret.encode("utf-16-be")}


def assert_nowhere(secrets, places):
    for name, octets in places.items():
        lower = octets.lower()
        for secret in secrets:
            for form in written(secret):
                assert form not in octets, f"{secret} is in {name}"
                assert form.lower() not in lower, f"{secret} is in {name}"


def files_below(folder, *, but=()):
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in but
    }


def process(pid):
    """What other processes can see of one."""
    return {
        f"/proc/{pid}/{name}": Path(f"/proc/{pid}/{name}").read_bytes()
        for name in ("cmdline", "environ", "status", "comm")
    }


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_secret_in_log_files_process_list_or_output_even_at_trace_level(
    log_format, guarded_smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    smsc = guarded_smsc
    an, binh, cuc = citizens(3)
    password_file = tmp_path / "bind-password"
    password_file.write_text(f"{BIND_PASSWORD}\n")
    password_file.chmod(0o600)
    link = smsc.link(**QUICK)
    del link["password"]
    config = config_file(
        link | {"password_file": str(password_file)},
        log={"level": "trace", "format": log_format},
    )
    child = daemon(config, smsc)
    secrets = {BIND_PASSWORD, OWN_PASSWORD}
    seen = 0

    def learn():
        nonlocal seen
        told = smsc.submits
        secrets.update(password_in(s.text) for s in told[seen:] if "MK" in s.text)
        seen = len(told)

    smsc.send_mo(an.number, an.text)
    smsc.send_mo(binh.number, binh.text, coding="ucs2")
    smsc.send_mo(cuc.number, f"TK,Nguyen Van An,{cuc.cmnd},31.02.1990 password: matkhaucuatoi")
    smsc.wait_submits(3)
    learn()
    # Two that wait: one that the SMSC does not answer, one that it refuses.
    smsc.silence("submits")
    smsc.send_mo(cuc.number, cuc.text)
    smsc.wait_submits(4)
    smsc.silence()
    smsc.answer_to(an.number, 0x0B)
    assert 0 == smsgw("-c", config, "accounts", "reset-password", an.cmnd).returncode
    smsc.wait_submits(5)
    child.until(lambda: "failed" in str(ledger.rows("SELECT state FROM outbox")), what="refused")
    own = smsgw("-c", config, "accounts", "set-password", binh.cmnd, input=f"{OWN_PASSWORD}\n")
    assert 0 == own.returncode
    learn()
    assert 6 == len(secrets)

    outputs = {}
    for words, form in SHOWN if log_format == "console" else ():
        asked = [{"AN": an.cmnd, "CUC": cuc.cmnd}.get(word, word) for word in words.split()]
        told = smsgw("-c", config, *asked, "--format", form, environment={"SMSGW_DEBUG": "1"})
        assert "Traceback" not in told.stderr
        outputs[f"{words} {form}"] = (told.stdout + told.stderr).encode()
    assert 0 == smsgw("-c", config, "backup", tmp_path / "backup.db").returncode
    assert_nowhere(secrets, outputs | process(child.pid))
    assert_nowhere(secrets, files_below(tmp_path, but=[password_file]))
    assert 0 == child.terminate()
    assert_nowhere(secrets, files_below(tmp_path, but=[password_file]))

    for citizen in (an, binh, cuc):  # not even in the log's own words
        assert citizen.cmnd not in child.log
        assert citizen.number not in child.log
    assert "Nguyen Van An" not in child.log
    if log_format == "json":
        for line in child.log.splitlines():
            assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


def test_passwords_survive_no_checkpoint_purge_or_deletion(
    smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    """The hash of a replaced password, and the sealed text, leave no trace in the files."""
    [an] = citizens(1)
    config = config_file(smsc.link(**QUICK))
    smsc.silence("submits")
    child = daemon(config, smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit()
    [(sealed,)] = ledger.rows("SELECT sealed FROM outbox WHERE sealed IS NOT NULL")
    [(_, _, _, old_hash)] = ledger.accounts()
    child.kill()
    smsc.silence()
    child = daemon(config, smsc)
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == smsgw("-c", config, "accounts", "reset-password", an.cmnd).returncode
    smsc.wait_submit(to=an.number)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 0 == smsgw("-c", config, "purge").returncode
    assert 0 == child.terminate()
    for name, octets in files_below(tmp_path).items():
        assert sealed not in octets, name
        assert old_hash.split("$")[-1].encode() not in octets, name


def unsealed(folder, passwords):
    """Those of *passwords* that somebody opens who has a copy of *folder*, keys included."""
    vault = Vault.open(folder / "secret.key", create=False)
    keys = DataKeys(vault, KeyFile(file_of(folder / "smsgw.db")))
    keys.refresh()
    found = set()
    for octets in files_below(folder).values():
        for id_ in {*keys._ciphers, *vault._ciphers}:
            for place in re.finditer(re.escape(id_), octets):
                sealed = octets[place.start() : place.start() + 4 + 12 + 8 + 16]
                for mt_id, password in passwords.items():
                    with suppress(SmsgwError, UnicodeDecodeError):
                        if password == keys.unseal(mt_id, sealed):
                            found.add(password)
    return found


def test_copy_of_the_folder_opens_what_waits_and_nothing_that_the_smsc_took_before(
    smsc, config_file, daemon, smsgw, citizens, ledger, tmp_path
):
    """Minutes are tenths of a second here; tests/test_copies.py has them whole."""
    *many, stuck, failed = citizens(32)
    folder = tmp_path / "state"
    folder.mkdir()
    config = config_file(smsc.link(**QUICK), gateway={"database": str(folder / "smsgw.db")})
    ledger.database = folder / "smsgw.db"
    child = daemon(config, smsc, command=command("hasty-keys"))
    smsc.answer_to(stuck.number, 0x08)
    smsc.answer_to(failed.number, 0x0B)
    for citizen in (*many, stuck, failed):
        smsc.send_mo(citizen.number, citizen.text)
    smsc.wait_submits(32)
    told = {f"+{s.destination.number}": password_in(s.text) for s in smsc.submits if s.text}
    # A reply has the number after that of its text: what each was sealed as.
    rows = ledger.rows(
        "SELECT m.id + 1, s.phone FROM mo AS m JOIN subscribers AS s ON s.id = m.subscriber_id"
    )
    passwords = {mt_id: told[phone] for mt_id, phone in rows}
    assert 32 == len(passwords)
    child.until(lambda: len(ledger.waiting()) == 2, what="what the SMSC took")
    waits = {told[stuck.e164], told[failed.e164]}

    def opened(names=map(str, itertools.count())):  # noqa: B008 - one count for all calls
        # A copy that is made file by file may have an older file of keys than texts.
        return unsealed(copied(folder, tmp_path / next(names)), passwords)

    child.until(lambda: waits <= opened(), what="a copy that opens what waits")

    def keys():
        return {key.id for key in read(file_of(ledger.database))}

    first = keys()
    child.until(lambda: not first & keys(), what="the end of the first data keys")
    child.until(lambda: waits == opened(), what="a copy that opens nothing else")
    assert 0 == child.terminate()
    assert waits == opened()

    # A copy made while texts waited opens them where it is restored.
    smsc.answer_to(failed.number, 0)
    child = daemon(config, smsc)
    [(mt_id,)] = ledger.rows("SELECT id FROM outbox WHERE state = 'failed'")
    told = smsgw("-c", config, "outbox", "retry", mt_id)
    assert 0 == told.returncode, told.stderr
    child.until(lambda: len(ledger.waiting()) == 1, what="the text that failed")
    assert passwords[mt_id] == password_in(smsc.submits[-1].text)


def copied(folder, to):
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.sock"))
    return to


def peek(pid):
    """Try to look into another process of the same user, without root's powers."""
    look = f"import saboteur; saboteur.powerless(); open('/proc/{pid}/mem', 'rb').close()"
    return subprocess.run(
        [sys.executable, "-c", look],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_process_dumps_no_core_and_shows_its_memory_to_nobody(smsc, config_file, daemon):
    child = daemon(config_file(smsc), smsc, command=command("powerless"))
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    assert "PermissionError" in peek(child.pid).stderr
    open_book = "import saboteur; saboteur.powerless(); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", open_book],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        assert 0 == peek(other.pid).returncode  # so it is the daemon that forbids it
        other.communicate(b"\n")


def test_files_are_the_service_users_alone(smsc, config_file, daemon, citizens, tmp_path):
    [an] = citizens(1)
    daemon(config_file(smsc), smsc)
    smsc.send_mo(an.number, an.text)
    smsc.wait_submit()
    made = {path for path in tmp_path.iterdir() if path.name.startswith(("smsgw.db", "secret"))}
    assert len(made) >= 4
    assert dict.fromkeys(made, 0o600) == {path: path.stat().st_mode & 0o777 for path in made}


@pytest.mark.parametrize("kind", ["config", "key"])
def test_file_that_others_can_read_is_a_warning_that_names_the_chmod(
    kind, smsc, config_file, daemon, ledger
):
    config = config_file(smsc)
    assert 0 == daemon(config, smsc).terminate()
    file = config if kind == "config" else ledger.database.with_name("secret.key")
    file.chmod(0o644)
    child = daemon(config, smsc)
    child.wait_log(rf"WARNING .*chmod \S+ {re.escape(str(file))}")
