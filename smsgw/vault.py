"""The secret key of this installation: AES-256-GCM with a key that is not in the database.

Knows the key file and its format. Knows no message and no store.

What waits in the outbox is sealed with data keys (`datakeys.py`), and these with the secret key.
A text that an earlier version sealed with the secret key itself still opens.

The key file has one key a line, 64 hexadecimal digits; `#` starts a comment. The first key seals,
every key opens: to rotate, put a new line on top, and take the old one away once the daemon has
been restarted. What is sealed is key id (4 octets), nonce (12), ciphertext with tag; what it is
(the number of its row, the id of a data key) is bound to it, so a text that was moved to another
row does not open.
"""

import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smsgw.errors import SmsgwError

log = logging.getLogger("smsgw.vault")

CREDENTIAL = "secret_key"
#: What a data key is bound to, before its id: a text is bound to a bare number.
_WRAPPED = b"data key "
KEY_OCTETS = 32
ID_OCTETS = 4
NONCE_OCTETS = 12


class KeyFault(SmsgwError):
    """The secret key cannot be read or made."""


class KeyUnknown(SmsgwError):
    """A text was sealed with a key that is not in the key file."""


class SealBroken(SmsgwError):
    """A sealed text was changed, cut, or moved to another row."""


class Cipher:
    """One key, and how anything is sealed with it."""

    def __init__(self, key: bytes) -> None:
        self.id = key_id(key)
        cipher = AESGCM(key)
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt

    def seal(self, octets: bytes, what: bytes) -> bytes:
        """*octets*, which open only as *what*.

        The nonce is drawn each time (0.3 µs). A counter, or nonces drawn ahead, would repeat if a
        snapshot of the machine is run twice, and a nonce that repeats opens both texts.
        """
        nonce = os.urandom(NONCE_OCTETS)
        return self.id + nonce + self._encrypt(nonce, octets, what)

    def unseal(self, sealed: bytes, what: bytes) -> bytes:
        """What `seal` was given.

        Raises:
            InvalidTag: it is something else, or damaged.
        """
        start = ID_OCTETS + NONCE_OCTETS
        try:
            return self._decrypt(sealed[ID_OCTETS:start], sealed[start:], what)
        except ValueError:  # cut within the nonce
            raise InvalidTag from None


def unseal_row(cipher: Cipher, row_id: int, sealed: bytes) -> str:
    """The text that was sealed for the row *row_id* of the outbox.

    Raises:
        SealBroken: it is not what was sealed for that row.
    """
    try:
        return cipher.unseal(sealed, b"%d" % row_id).decode()
    except InvalidTag:
        raise SealBroken(f"the sealed text of reply {row_id} is damaged") from None


class Vault:
    """Seals and unseals with the secret keys.

    Args:
        keys: at least one key of 32 octets; the first one seals.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {key_id(key): Cipher(key) for key in keys}
        self._prefix = key_id(keys[0])
        self._first = self._ciphers[self._prefix]

    @classmethod
    def open(cls, key_file: Path, create: bool) -> "Vault":
        """The vault of this installation.

        The systemd credential `secret_key` wins over *key_file*.

        Args:
            create: make *key_file* with a fresh key, mode 0600, where there is none.

        Raises:
            KeyFault: no key there, not readable, not a key, or not to be made.
        """
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        if credentials and (credential := Path(credentials, CREDENTIAL)).exists():
            return cls(_read(credential))
        if create and not key_file.exists():
            _make(key_file)
        return cls(_read(key_file))

    @staticmethod
    def deferred(key_file: Path) -> "Vault":
        """The same, but the key is read when it is first needed: most commands seal nothing, and
        whoever calls them need not be able to read it.
        """
        return _Deferred(key_file)

    @property
    def key_id(self) -> int:
        """Which key seals; tells keys apart, and tells nothing about them."""
        return int.from_bytes(self._prefix)

    @property
    def has_former(self) -> bool:
        """Whether the key file has keys that seal nothing any more."""
        return len(self._ciphers) > 1

    def seal(self, row_id: int, text: str) -> bytes:
        """*text*, readable only with the key and only as that of row *row_id*."""
        return self._first.seal(text.encode(), b"%d" % row_id)

    def unseal(self, row_id: int, sealed: bytes) -> str:
        """The text that `seal` was given.

        Raises:
            KeyUnknown: it was sealed with another key.
            SealBroken: it is not what was sealed for that row.
        """
        cipher = self._ciphers.get(sealed[:ID_OCTETS])
        if cipher is None:
            raise KeyUnknown(
                f"the text of reply {row_id} was sealed with another key",
                "put the former key back into the secret key file as a second line",
            )
        return unseal_row(cipher, row_id, sealed)

    def wrap(self, id_: bytes, key: bytes) -> bytes:
        """The data key *key*, sealed by the first secret key."""
        return self._first.seal(key, _WRAPPED + id_)

    def unwrap(self, id_: bytes, sealed: bytes) -> bytes | None:
        """The data key *id_*; None: damaged, or sealed by a secret key that is not here."""
        cipher = self._ciphers.get(sealed[:ID_OCTETS])
        try:
            return cipher.unseal(sealed, _WRAPPED + id_) if cipher else None
        except InvalidTag:
            return None

    def wraps_today(self, sealed: bytes) -> bool:
        """Whether the first secret key sealed this data key, and not a former one."""
        return sealed[:ID_OCTETS] == self._prefix

    def knows(self, sealed: bytes) -> bool:
        """Whether one of the secret keys sealed this, and no data key."""
        return sealed[:ID_OCTETS] in self._ciphers


class _Deferred(Vault):
    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def __getattr__(self, name: str) -> object:
        """Asked for only what `Vault.__init__` sets, before it is set."""
        if "_ciphers" not in self.__dict__:
            self.__dict__ |= Vault.open(self._key_file, create=False).__dict__
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(name) from None


def key_id(key: bytes) -> bytes:
    """Tells keys apart, and tells nothing about them."""
    return blake2b(key, digest_size=ID_OCTETS, person=b"smsgw-key-id").digest()


def _read(path: Path) -> list[bytes]:
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        raise KeyFault(
            f"secret key {path}: no such file",
            "bring it back from its backup; the daemon makes a new one at its first start",
        ) from None
    except OSError as error:
        raise KeyFault(
            f"secret key {path} cannot be read ({error.strerror})",
            "it must belong to the service user, mode 0600",
        ) from None
    except UnicodeDecodeError:
        lines = ["?"]
    texts = [text for line in lines if (text := line.partition("#")[0].strip())]
    try:
        keys = [bytes.fromhex(text) for text in texts]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_OCTETS for key in keys):
        raise KeyFault(
            f"secret key {path} is not a key file",
            f"each line is a key of {2 * KEY_OCTETS} hexadecimal digits (openssl rand -hex 32)",
        )
    return keys


def _make(path: Path) -> None:
    """Write a fresh key to *path*: whole or not at all, and never over another one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(KEY_OCTETS) + "\n")
                file.flush()
                os.fsync(file.fileno())
            # link() fails if the name exists, where rename() would replace it: of two processes
            # that start together, both then use the key of the first.
            with suppress(FileExistsError):
                os.link(draft, path)
                log.info("secret key made file=%s", path)
        finally:
            draft.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyFault(
            f"secret key {path} cannot be made ({error.strerror})",
            f"the folder {path.parent} must exist and belong to the service user",
        ) from None
