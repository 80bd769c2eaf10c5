"""The portal's keys: one that seals its forms, and those that sign for the city's portal.

The file has 64 hexadecimal digits in its first line and RSA keys (PKCS #8, PEM) after it. The first
RSA key signs; whoever checks a signature is shown all of them, so that they can be rotated: put a
new one before the old one, and take the old one away when what it signed has lapsed. It is made at
the first start with mode 0600; the systemd credential `portal_key` wins over it.
"""

import hmac
import os
import re
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from smsgw.config import Settings
from smsgw.errors import SmsgwError

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

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """Sixteen octets that nobody else can make of *parts*."""
        framed = b"".join(len(part).to_bytes(4) + part for part in (purpose.encode(), *parts))
        return hmac.digest(self._secret, framed, sha256)[:16]


def place(settings: Settings) -> Path:
    """Where the key file is."""
    named = settings.portal.key_file if settings.portal else None
    return named or settings.gateway.files.with_name("portal.key")


def open_keys(settings: Settings) -> Keys:
    """The keys of this portal; made where there are none.

    Raises:
        SmsgwError: they cannot be read or made, or are none.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (credential := Path(credentials, CREDENTIAL)).exists():
        return _read(credential)
    path = place(settings)
    if not path.exists():
        _make(path)
    return _read(path)


def _read(path: Path) -> Keys:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise SmsgwError(
            f"the portal's key {path} cannot be read ({why})",
            "give it to the service user with mode 0400, or pass the credential portal_key",
        ) from None
    head = text.split("\n", 1)[0].strip()
    try:
        if not re.fullmatch("[0-9a-f]{64}", head):
            raise ValueError
        keys = [load_pem_private_key(pem.encode(), None) for pem in _PEM.findall(text)]
        signing = tuple(key for key in keys if isinstance(key, rsa.RSAPrivateKey))
        if not signing or len(signing) != len(keys):
            raise ValueError
    except (ValueError, TypeError):
        raise SmsgwError(
            f"{path} holds no keys of a portal", "is portal.key_file the right file?"
        ) from None
    return Keys(bytes.fromhex(head), signing)


def _make(path: Path) -> None:
    key = rsa.generate_private_key(65537, _RSA_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n" + pem)
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
