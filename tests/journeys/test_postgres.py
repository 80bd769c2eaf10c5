"""The daemon over a PostgreSQL: as over a file, and when the way to it breaks."""

import json
from collections import Counter

import pytest

from tests.campaigns import failover
from tests.ledger import ServerLedger
from tests.pg_proxy import WAYS, Saboteur
from tests.wire import QUICK, password_in, texts_to


@pytest.fixture
def ledger(postgres):
    return ServerLedger(postgres)


@pytest.fixture
def place(tmp_path):
    """What a process is told of its folder, which is /var/lib/smsgw elsewhere."""
    return {"STATE_DIRECTORY": str(tmp_path)}


def test_citizen_registers_and_the_hotline_sees_it(
    postgres, smsc, config_file, daemon, smsgw, citizens, ledger, place, tmp_path
):
    an, binh = citizens(2)
    config = config_file(smsc.link(**QUICK), gateway={"database": postgres.url()})

    def command(*arguments):
        done = smsgw("-c", config, *arguments, environment=place)
        assert "Traceback" not in done.stderr
        return done

    early = command("status")
    assert 1 == early.returncode
    assert "the daemon is not running" in early.stdout
    child = daemon(config, smsc, environment=place)
    assert 0 == smsc.send_mo(an.number, an.text).settled()
    smsc.wait_submits(1)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    assert 1 == command("status").returncode
    [condition] = json.loads(command("status", "--format", "json").stdout)
    assert (None, None) == (condition["disk_free"], condition["sqlite"])
    [alone] = condition["problems"]  # that of a server without a standby
    assert alone.startswith("no synchronous standby is seen")
    assert condition["standby"] is False
    assert condition["database"].startswith("postgresql://smsgw@")
    assert "issued" in command("accounts", "show", an.e164).stdout
    assert "registered" in command("accounts", "history", an.e164).stdout
    assert 0 == command("accounts", "reset-password", an.e164, "--reason", "asked").returncode
    smsc.wait_submits(2)
    child.until(lambda: not ledger.waiting(), what="an empty outbox")
    new = password_in(texts_to(smsc, an)[-1])
    verify = ("-c", config, "accounts", "verify-password", an.e164)
    assert 0 == smsgw(*verify, input=f"{new}\n", environment=place).returncode
    assert 0 == child.terminate()

    child = daemon(config, smsc, environment=place)
    assert 0 == smsc.send_mo(an.number, an.text).settled()  # again by another session
    assert 0 == smsc.send_mo(binh.number, binh.text).settled()
    smsc.wait_submits(3)
    assert Counter(registered=2, retransmission=1) == ledger.outcomes()
    copy = tmp_path / "copy.db"
    assert 0 == command("backup", copy).returncode
    assert 0 == child.terminate()
    here = config_file(smsc.link(**QUICK), name="here.toml", gateway={"database": str(copy)})
    listed = json.loads(smsgw("-c", here, "accounts", "list", "--format", "json").stdout)
    assert {an.e164, binh.e164} == {account["phone"] for account in listed}


def test_every_text_is_answered_once_whatever_becomes_of_a_commit(
    postgres, smsc, config_file, daemon, citizens, ledger, place
):
    people = citizens(40)
    with Saboteur(postgres) as way:
        config = config_file(
            smsc.link(window=100, **QUICK),
            gateway={"database": way.url()},
            registration={"password_stock": 60},
        )
        child = daemon(config, smsc, environment=place)
        for number, how in enumerate(WAYS):
            # So that it is a batch that is lost, as far as that can be had.
            child.until(lambda: not ledger.waiting(), what="an empty outbox")
            lost = way.done
            way.next = how
            handles = [smsc.send_mo(a.number, a.text) for a in people[10 * number :][:10]]
            child.until(lambda lost=lost: way.done > lost, what="a lost COMMIT")
            for handle in handles:
                assert 0 == handle.settled(timeout=60)
        # Where it was a claim that was lost, its texts leave when their lease ends.
        smsc.wait_submits(len(people), timeout=200)
        child.until(lambda: not ledger.waiting(), what="an empty outbox")
        assert 0 == child.terminate()
    assert {1} == {len(texts_to(smsc, citizen)) for citizen in people}
    assert Counter(registered=len(people)) == Counter(
        {key: n for key, n in ledger.outcomes().items() if key != "retransmission"}
    )
    assert len(people) == len(ledger.accounts())


def test_daemon_waits_for_a_server_that_does_not_answer(postgres, smsc, config_file, daemon, place):
    with Saboteur(postgres) as way:
        way.refuses = True
        config = config_file(smsc.link(**QUICK), gateway={"database": way.url()})
        child = daemon(config, environment=place)
        child.wait_log("waiting for the database")
        assert 0 == smsc.binds
        way.refuses = False
        child.until(lambda: smsc.binds, what="a bind")
        assert 0 == child.terminate()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("postgresql://nobody:geheim@/smsgw", "nobody"),
        ("postgresql://smsgw:geheim@/elsewhere", "elsewhere"),
        ("postgresql://smsgw:geheim@/postgres", "of another program"),
    ],
    ids=["no such user", "no such database", "another program's"],
)
def test_server_that_refuses_ends_the_start_with_one_line(
    postgres, smsc, config_file, smsgw, place, path, said
):
    with postgres.connect() as db:
        db.execute("CREATE TABLE IF NOT EXISTS not_ours (x INT)")
    config = config_file(smsc, gateway={"database": f"{path}?host={postgres.folder}"})
    done = smsgw("-c", config, "run", environment=place)
    assert 1 == done.returncode
    [line] = [line for line in done.stderr.splitlines() if line.startswith("smsgw: ")]
    assert said in line
    assert "geheim" not in done.stdout + done.stderr


def test_second_daemon_is_refused(postgres, smsc, config_file, daemon, smsgw, place, tmp_path):
    config = config_file(smsc.link(**QUICK), gateway={"database": postgres.url()})
    daemon(config, smsc, environment=place)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = smsgw("-c", config, "run", environment={"STATE_DIRECTORY": str(elsewhere)})
    assert 1 == done.returncode
    assert "another daemon serves postgresql://" in done.stderr


def test_failover_loses_nothing_and_doubles_nothing(tmp_path):
    assert [] == failover.play(tmp_path, failovers=1, seed=1)
