"""The portal's keys: one that seals its forms, and those that sign for the city's portal.

The file has 64 hexadecimal digits in its first line and RSA keys (PKCS #8, PEM) after it. The first
RSA key signs; whoever checks a signature is shown all of them, so that they can be rotated: put a
new one before the old one, and take the old one away when what it signed has lapsed. It is made at
the first start with mode 0600; the systemd credential `portal_key` wins over it.

Portals that share a database have the same keys, which its marks there see to (`PortalKey`).
"""

import hmac
import os
import re
import secrets
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from smsgw.config import Settings
from smsgw.errors import SmsgwError
from smsgw.gateway import KeyMarks, PortalKey

CREDENTIAL = "portal_key"
_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n?", re.DOTALL)
_RSA_BITS = 2048


class Keys:
    """What one portal knows and nobody else.

    Attributes:
        signing: the RSA keys; the first one signs.
    """

    def __init__(self, secret: bytes, signing: tuple[rsa.RSAPrivateKey, ...]) -> None:
        self._secret = secret
        self.signing = signing

    @property
    def marks(self) -> KeyMarks:
        """By what others recognise them."""
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        public = [key.public_key().public_bytes(*form) for key in self.signing]
        return KeyMarks(
            self.digest("mark").hex(), tuple(sha256(each).hexdigest()[:32] for each in public)
        )

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """Sixteen octets that nobody else can make of *parts*."""
        framed = b"".join(len(part).to_bytes(4) + part for part in (purpose.encode(), *parts))
        return hmac.digest(self._secret, framed, sha256)[:16]


def place(settings: Settings) -> Path:
    """Where the key file is."""
    named = settings.portal.key_file if settings.portal else None
    return named or settings.gateway.files.with_name("portal.key")


def open_keys(settings: Settings, shared: PortalKey | None = None) -> Keys:
    """The keys of this portal; made where there are none.

    Args:
        shared: those of all portals over the database; None: there is but this one.

    Raises:
        SmsgwError: they cannot be read or made, are none, or not those of the other portals.
    """
    path = _found(settings)
    if shared is None:
        if path is None:
            path = place(settings)
            _write(path, _new())
        return _read(path)
    if path is not None:
        keys = _read(path)
        if not shared.agree(keys.marks):
            raise SmsgwError(
                f"{path} is not the key of the other portals over this database",
                "copy theirs; `--forget-key` lets another one be the key of all",
            )
        return keys
    path = place(settings)
    text = "" if shared.is_known else _new()
    fresh = _parsed(text)
    if fresh is None or not shared.agree(fresh.marks, partial(_write, path, text)):
        raise SmsgwError(
            f"the other portals over this database have a key, and here is no {path}",
            "copy theirs; `--forget-key` lets another one be the key of all",
        )
    return _read(path)  # a portal beside this one may have made it first


def _found(settings: Settings) -> Path | None:
    """Where there are keys."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (credential := Path(credentials, CREDENTIAL)).exists():
        return credential
    path = place(settings)
    return path if path.exists() else None


def _read(path: Path) -> Keys:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise SmsgwError(
            f"the portal's key {path} cannot be read ({why})",
            "give it to the service user with mode 0400, or pass the credential portal_key",
        ) from None
    keys = _parsed(text)
    if keys is None:
        raise SmsgwError(f"{path} holds no keys of a portal", "is portal.key_file the right file?")
    return keys


def _parsed(text: str) -> Keys | None:
    """The keys in *text*; None: it holds none."""
    head = text.split("\n", 1)[0].strip()
    try:
        if not re.fullmatch("[0-9a-f]{64}", head):
            raise ValueError
        keys = [load_pem_private_key(pem.encode(), None) for pem in _PEM.findall(text)]
        signing = tuple(key for key in keys if isinstance(key, rsa.RSAPrivateKey))
        if not signing or len(signing) != len(keys):
            raise ValueError
    except (ValueError, TypeError):
        return None
    return Keys(bytes.fromhex(head), signing)


def _new() -> str:
    """What a file of new keys holds."""
    key = rsa.generate_private_key(65537, _RSA_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return f"{secrets.token_hex(32)}\n{pem.decode()}"


def _write(path: Path, text: str) -> None:
    """Make the file, unless somebody just did."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # whole or not at all, and never over another's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise SmsgwError(
            f"the portal's key {path} cannot be made ({error.strerror})",
            f"is {path.parent} a folder that the service user may write to?",
        ) from None
