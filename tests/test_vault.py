"""What waits in the outbox is sealed, and the key is made, read and rotated with care."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.vault import KeyFault, KeyUnknown, SealBroken, Vault

TEXT = "TK: 201234567, MK: k7mzq4wp la tai khoan"
OLD, NEW = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "secret_key"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@given(text=st.text(), row=st.integers(min_value=0, max_value=2**63 - 1))
def test_what_was_sealed_is_unsealed(text, row):
    vault = Vault([OLD])
    assert text == vault.unseal(row, vault.seal(row, text))


def test_sealed_text_shows_nothing_and_differs_each_time():
    vault = Vault([OLD])
    first, second = vault.seal(7, TEXT), vault.seal(7, TEXT)
    assert b"k7mzq4wp" not in first
    assert first != second


def test_text_moved_to_another_row_does_not_open():
    vault = Vault([OLD])
    with pytest.raises(SealBroken, match="reply 8"):
        vault.unseal(8, vault.seal(7, TEXT))


def test_text_with_any_octet_changed_or_cut_does_not_open():
    vault = Vault([OLD])
    sealed = vault.seal(7, TEXT)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises((SealBroken, KeyUnknown)):
            vault.unseal(7, bytes(changed))
        with pytest.raises((SealBroken, KeyUnknown)):
            vault.unseal(7, sealed[:position])


def test_rotated_key_opens_what_the_former_sealed_and_seals_with_the_new():
    sealed = Vault([OLD]).seal(7, TEXT)
    rotated = Vault([NEW, OLD])
    assert TEXT == rotated.unseal(7, sealed)
    assert TEXT == Vault([NEW]).unseal(7, rotated.seal(7, TEXT))


def test_lost_key_is_named_and_not_taken_for_damage():
    with pytest.raises(KeyUnknown, match="another key"):
        Vault([NEW]).unseal(7, Vault([OLD]).seal(7, TEXT))


def test_key_ids_tell_keys_apart():
    assert Vault([OLD]).key_id == Vault([OLD, NEW]).key_id
    assert Vault([OLD]).key_id != Vault([NEW]).key_id


def test_first_start_makes_a_key_that_only_its_owner_reads(key_file):
    first = Vault.open(key_file, create=True)
    assert 0o600 == key_file.stat().st_mode & 0o777
    assert TEXT == Vault.open(key_file, create=True).unseal(7, first.seal(7, TEXT))
    assert [key_file] == list(key_file.parent.iterdir())


def test_key_of_another_process_is_never_replaced(key_file, monkeypatch):
    Vault.open(key_file, create=True)
    kept = key_file.read_bytes()
    # The other process made it between our look and our link.
    monkeypatch.setattr(type(key_file), "exists", lambda self: False)
    Vault.open(key_file, create=True)
    assert kept == key_file.read_bytes()


def test_missing_key_is_not_made_by_commands(key_file):
    with pytest.raises(KeyFault, match="no such file"):
        Vault.open(key_file, create=False)
    assert not key_file.exists()


def test_key_in_a_missing_folder_says_which(tmp_path):
    with pytest.raises(KeyFault, match=r"absent.* must exist"):
        Vault.open(tmp_path / "absent" / "secret_key", create=True)


NOT_A_KEY_FILE = {
    "empty": b"",
    "only a comment": b"# my key\n",
    "short": b"0123abcd\n",
    "not hexadecimal": b"z" * 64,
    "binary": b"\xff" * 32,
    "one good, one short": OLD.hex().encode() + b"\n1234\n",
}


@pytest.mark.parametrize("content", NOT_A_KEY_FILE.values(), ids=NOT_A_KEY_FILE)
def test_file_that_holds_no_key_is_refused_without_showing_it(key_file, content):
    key_file.write_bytes(content)
    with pytest.raises(KeyFault, match="64 hexadecimal digits") as refused:
        Vault.open(key_file, create=True)
    assert OLD.hex() not in str(refused.value)
    assert content == key_file.read_bytes()


def test_key_file_takes_comments_and_blank_lines(key_file):
    key_file.write_text(f"# since spring\n{NEW.hex()}\n\n{OLD.hex()}  # until the outbox drained\n")
    assert Vault([NEW]).key_id == Vault.open(key_file, create=False).key_id


def test_folder_in_place_of_the_key_is_one_clear_line(key_file):
    key_file.mkdir()
    with pytest.raises(KeyFault, match="cannot be read"):
        Vault.open(key_file, create=True)


def test_systemd_credential_wins(key_file, tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret_key").write_text(NEW.hex())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert Vault([NEW]).key_id == Vault.open(key_file, create=True).key_id
    assert not key_file.exists()
