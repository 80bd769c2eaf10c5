"""Beside a service whose passwords are credentials: what commands see of them, and say."""

import json

import pytest

from smsgw import config
from smsgw.config import credentials


@pytest.fixture
def unit(tmp_path, monkeypatch):
    """Where systemd would keep the credentials of the service, and its files."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(credentials, "OF_THE_UNIT", tmp_path / "credentials")
    monkeypatch.setattr(credentials, "UNIT_FOLDERS", (tmp_path / "units",))
    return tmp_path


@pytest.fixture
def without_password(config_file):
    return config_file({"name": "viettel", "host": "h.vn", "port": 1, "system_id": "smsgw"})


UNSEEN = "smsc.viettel.password: comes as a credential, not seen from here"


def test_password_of_a_service_that_does_not_run_is_not_seen_and_no_fault(
    unit, without_password, command
):
    done = command(without_password, "check-config")
    assert (0, "") == (done.status, done.stderr)
    assert f"{without_password}: {UNSEEN}" == done.stdout.splitlines()[-1]
    assert [] == json.loads(command(without_password, "check-config", "--format", "json").stdout)


def test_password_is_read_where_it_may_be(unit, without_password, command):
    (unit / "credentials").mkdir()
    (unit / "credentials" / "smsc-viettel").write_text("secret\n")
    done = command(without_password, "check-config")
    assert 0 == done.status
    assert "credential" not in done.stdout
    [link] = config.load(without_password, beside_unit=True).smsc
    assert ("secret", False) == (link.password.get_secret_value(), link.password_unseen)


def test_credential_that_no_bind_can_carry_is_a_fault(unit, without_password, command):
    (unit / "credentials").mkdir()
    (unit / "credentials" / "smsc-viettel").write_text("far-too-long\n")
    done = command(without_password, "check-config")
    assert 1 == done.status
    assert "smsc.viettel.password: has 12 characters" in done.stderr


def test_password_that_is_nowhere_is_missing(unit, without_password, command):
    (unit / "credentials").mkdir()
    done = command(without_password, "check-config")
    assert 1 == done.status
    assert "smsc.viettel.password: is missing" in done.stderr


@pytest.mark.parametrize(
    "line", ["LoadCredentialEncrypted=smsc-viettel:/x", "LoadCredential=smsc-viettel"]
)
def test_new_credential_stands_in_the_unit_before_the_restart(
    line, unit, without_password, command
):
    (unit / "credentials").mkdir()
    drop_in = unit / "units" / "smsgw.service.d" / "override.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(f"[Service]\n{line}\n")
    done = command(without_password, "check-config")
    assert 0 == done.status
    assert UNSEEN in done.stdout


def test_daemon_itself_wants_it(unit, without_password):
    with pytest.raises(config.ConfigError, match="is missing"):
        config.load(without_password)


def test_test_of_a_link_says_that_it_cannot_see_the_password(unit, without_password, command):
    done = command(without_password, "links", "test", "viettel")
    assert 1 == done.status
    assert "the password of viettel comes as a credential, not seen from here" in done.stderr
