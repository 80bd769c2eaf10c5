"""`smsgw store copy`: from a file to a server, and what it refuses."""

import json

import pytest

from tests.house import AN, TEXT, House


@pytest.fixture
def file(tmp_path):
    house = House(tmp_path)
    house.text(AN, TEXT)
    house.store.close()
    return tmp_path / "smsgw.db"


def test_file_is_carried_to_a_server_and_back(file, postgres, smsgw, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    place = {"STATE_DIRECTORY": str(there)}
    done = smsgw("store", "copy", file, postgres.url(), environment=place)
    assert (0, "") == (done.returncode, "" if "Traceback" not in done.stderr else done.stderr)
    assert "the same as in" in done.stdout
    again = smsgw("store", "copy", file, postgres.url(), environment=place)
    assert 1 == again.returncode
    assert "the target is not empty" in again.stderr
    back = tmp_path / "back.db"
    assert 0 == smsgw("store", "copy", postgres.url(), back, environment=place).returncode
    document = (tmp_path / "house.toml").read_text().replace(str(file), str(back))
    config = tmp_path / "back.toml"
    config.write_text(document)
    config.chmod(0o600)
    [account] = json.loads(smsgw("-c", config, "accounts", "list", "--format", "json").stdout)
    assert f"+{AN}" == account["phone"]


def test_address_that_is_none_is_wrong_usage_and_not_quoted(file, smsgw):
    done = smsgw("store", "copy", file, "postgresql://a:geheim@h:x/d")
    assert 2 == done.returncode
    assert "has a host that is none" in done.stderr
    assert "geheim" not in done.stderr


def test_source_that_is_not_there_is_said(smsgw, tmp_path):
    done = smsgw("store", "copy", tmp_path / "no.db", tmp_path / "new.db")
    assert 1 == done.returncode
    assert "no.db" in done.stderr
    assert not (tmp_path / "new.db").exists()
