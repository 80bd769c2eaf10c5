"""The data keys: what seals the passwords in the outbox, each for a few minutes.

A copy of the files may be made at any time, and may have in it what was deleted from the database:
in the write-ahead log, in blocks of the disk. So that no copy opens a password which the SMSC took
ten minutes before, the key of that password must be gone by then. Hence keys that live for a short
time, in a small file of their own, `<database>.keys`, which is replaced and never appended to.
Where several machines share a server, the keys have to be where all of them find them: in a table.

    a key is made        when a text is to be sealed and the last key is older than `LIFE`; the file
                         is on the disk before a text that is sealed with it can be committed
    it seals             texts, or only what `reseal.py` takes over from keys that have to go
    it is forgotten      as soon as no text in the outbox is sealed with it

A line of the file is `ID USE MADE SEALED`: the id, `texts` or `waiting`, microseconds since 1970,
and the key as the vault sealed it, bound to its id. Without the secret key the file opens nothing.

Whoever changes what is kept holds the write lock of the database, so that a command and the daemon
never do it at the same time. Knows no message and no store.
"""

import logging
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from smsgw.vault import (
    ID_OCTETS,
    KEY_OCTETS,
    Cipher,
    KeyFault,
    KeyUnknown,
    Vault,
    key_id,
    unseal_row,
)

log = logging.getLogger("smsgw.vault")

#: A key seals texts for so long. Add the minute until somebody looks, and those in which what still
#: waits is sealed anew: a key is gone within ten minutes of the last text that left with it.
LIFE = timedelta(minutes=4)

TEXTS, WAITING = "texts", "waiting"


class DataKey(NamedTuple):
    """One line of the file."""

    id: bytes
    use: str  #: TEXTS or WAITING
    made: int  #: microseconds since 1970
    sealed: bytes


def file_of(database: Path) -> Path:
    """Where the data keys of *database* are."""
    return database.with_name(database.name + ".keys")


def read(file: Path) -> list[DataKey]:
    """The data keys in *file*; none where it is missing.

    Raises:
        KeyFault: it cannot be read.
    """
    try:
        lines = file.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFault(
            f"{file} cannot be read ({error.strerror})",
            "it must belong to the service user, mode 0600",
        ) from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            id_, use, made, sealed = line.split()
            key = DataKey(bytes.fromhex(id_), use, int(made), bytes.fromhex(sealed))
        except ValueError:
            log.error("data keys file=%s: line %d is damaged and left out", file, number)
        else:
            found.append(key)
    return found


class Home(Protocol):
    """Where the data keys are kept."""

    def changed(self) -> list[DataKey] | None:
        """All of them; None: as they were when last read or replaced here; raises KeyFault."""

    def replace(self, keys: list[DataKey]) -> None:
        """Keep these and no others, on the disk before what is sealed; raises KeyFault."""

    def clean(self) -> None:
        """Remove what a crash left."""

    def in_use(self, id_: bytes) -> bool:
        """Whether anything that waits is sealed with a key that another machine made."""


class KeyFile:
    """A file, of one machine."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None  # of the file, as it was read

    def changed(self) -> list[DataKey] | None:
        seen = _stamp(self._file)
        if seen == self._seen:
            return None
        found = read(self._file)
        self._seen = seen
        return found

    def replace(self, keys: list[DataKey]) -> None:
        _write(self._file, keys)
        self._seen = _stamp(self._file)

    def clean(self) -> None:
        _draft(self._file).unlink(missing_ok=True)

    def in_use(self, _id: bytes) -> bool:
        return False  # there is no other machine


class DataKeys:
    """Seals and unseals the texts of one outbox.

    Args:
        vault: seals the data keys.
        home: where they are kept; None: in memory alone.
        life: how long one of them seals texts.
    """

    def __init__(self, vault: Vault, home: Home | None, life: timedelta = LIFE) -> None:
        self._vault = vault
        self._home = home
        self._life = life // timedelta(microseconds=1)
        self._keys: dict[bytes, DataKey] = {}
        self._ciphers: dict[bytes, Cipher] = {}
        self._own: set[bytes] = set()  # that were made here, for what waits
        self._current: DataKey | None = None
        self._waiting: DataKey | None = None
        self._not_before = 0

    @property
    def key_id(self) -> int:
        """Which secret key seals the data keys."""
        return self._vault.key_id

    @property
    def has_former(self) -> bool:
        """Whether there are secret keys that seal nothing any more."""
        return self._vault.has_former

    def has_secret(self, key_id: int) -> bool:
        """Whether the secret key of this `key_id` is among ours, be it a former one."""
        return self._vault.knows(key_id.to_bytes(ID_OCTETS))

    # --- texts --------------------------------------------------------------------------------

    def turn(self, at: int) -> None:
        """Have a key to seal with at the time *at*, in microseconds; once in each transaction.

        To be called with the write lock of the database.

        Raises:
            KeyFault: a new one is wanted and cannot be kept.
        """
        self.refresh()
        key = self._current
        # A clock that was set back makes a key look young for longer than it may live.
        if key is None or not key.made <= at < key.made + self._life:
            self._current = self._usable(at) or self._make(TEXTS, at)
            key = self._current
        self._seal = self._ciphers[key.id].seal

    def seal(self, row_id: int, text: str) -> bytes:
        """*text*, readable only as that of row *row_id*; after `turn`."""
        return self._seal(text.encode(), b"%d" % row_id)

    def unseal(self, row_id: int, sealed: bytes) -> str:
        """The text that was sealed for the row *row_id*.

        Raises:
            KeyUnknown: its key is not here, or was sealed with a secret key that is not here.
            SealBroken: it is not what was sealed for that row.
            KeyFault: the keys cannot be read.
        """
        id_ = sealed[:ID_OCTETS]
        cipher = self._ciphers.get(id_)
        if cipher is None:
            self.refresh()  # another process may have made it
            cipher = self._ciphers.get(id_)
        if cipher is not None:
            return unseal_row(cipher, row_id, sealed)
        if id_ in self._keys or self._vault.knows(sealed):
            return self._vault.unseal(row_id, sealed)  # says what is the matter, or is an old one
        raise KeyUnknown(
            f"the text of reply {row_id} was sealed with another key",
            "give the citizen a new password, or put the former secret key or "
            "the file of data keys back",
        )

    # --- what waits for long ------------------------------------------------------------------

    def retired(self, at: int) -> set[bytes]:
        """Ids of the keys that seal nothing any more; with the write lock."""
        self.refresh()
        current = self._current
        if current is None or not current.made <= at < current.made + self._life:
            current = self._current = self._usable(at)
        in_use = {key.id for key in (current, self._waiting) if key}
        return self._keys.keys() - in_use

    def seal_waiting(self, row_id: int, text: str, at: int) -> bytes:
        """*text*, with a key that seals nothing but what waits for long; with the write lock.

        Raises:
            KeyFault: it cannot be kept.
        """
        if self._waiting is None:
            self._waiting = self._make(WAITING, at)
            self._own.add(self._waiting.id)
        return self._ciphers[self._waiting.id].seal(text.encode(), b"%d" % row_id)

    @property
    def waiting(self) -> bytes | None:
        """The id of the key of what waits for long."""
        return self._waiting and self._waiting.id

    def retire_waiting(self) -> None:
        """Some of what it sealed is gone: have another one for the rest."""
        self._waiting = None

    def retire_texts(self, at: int) -> None:
        """Seal no text any more with what there is at *at*."""
        self._not_before = at
        self._current = None

    def retire_all(self, at: int) -> None:
        """Seal nothing more with what there is at *at*."""
        self.retire_texts(at)
        self.retire_waiting()

    def forget(self, ids: Collection[bytes]) -> None:
        """No text that is on the disk is sealed with these; with the write lock.

        Raises:
            KeyFault: they cannot be written.
        """
        left = [key for key in self._keys.values() if key.id not in ids or self._stays(key)]
        if len(left) < len(self._keys):
            self._own &= {key.id for key in left}
            self._replace(left)

    def _stays(self, key: DataKey) -> bool:
        """Whether another machine may have sealed what waits with it behind the back of a walk."""
        foreign = key.use == WAITING and key.id not in self._own
        return foreign and self._home is not None and self._home.in_use(key.id)

    def clean(self) -> None:
        """Remove what a crash left; with the write lock."""
        if self._home is not None:
            self._home.clean()

    def by_secret_key(self, sealed: bytes) -> bool:
        """Whether the secret key itself sealed this, as versions before data keys did."""
        return sealed[:ID_OCTETS] not in self._keys and self._vault.knows(sealed)

    # --- where they are kept ------------------------------------------------------------------

    def adopt(self, keys: Iterable[DataKey]) -> None:
        """Keep *keys*, which came with a copy of the database, and seal all with today's secret
        key; with the write lock.

        Raises:
            KeyFault: they cannot be read or written.
        """
        self.refresh()
        found = {key.id: key for key in keys} | self._keys
        for id_, key in found.items():
            if not self._vault.wraps_today(key.sealed) and (
                octets := self._vault.unwrap(id_, key.sealed)
            ):
                found[id_] = key._replace(sealed=self._vault.wrap(id_, octets))
        if found != self._keys:
            self._replace(list(found.values()))

    def refresh(self) -> None:
        """Have what somebody else may have made of them.

        Raises:
            KeyFault: they cannot be read.
        """
        found = self._home.changed() if self._home is not None else None
        if found is not None:
            self._keep(found)

    def _usable(self, at: int) -> DataKey | None:
        """The newest key that seals texts at *at*."""
        return max(
            (
                key
                for key in self._keys.values()
                if key.use == TEXTS
                and key.id in self._ciphers
                and self._not_before < key.made <= at < key.made + self._life
            ),
            key=lambda key: key.made,
            default=None,
        )

    def _make(self, use: str, at: int) -> DataKey:
        while (id_ := key_id(octets := os.urandom(KEY_OCTETS))) in self._keys or (
            self._vault.knows(id_)
        ):
            pass
        key = DataKey(id_, use, at, self._vault.wrap(id_, octets))
        self._replace([*self._keys.values(), key])
        return key

    def _replace(self, keys: Iterable[DataKey]) -> None:
        keys = list(keys)
        if self._home is not None:
            self._home.replace(keys)
        self._keep(keys)

    def _keep(self, keys: Iterable[DataKey]) -> None:
        self._keys = {key.id: key for key in keys}
        for gone in self._ciphers.keys() - self._keys.keys():
            del self._ciphers[gone]
        for id_ in self._keys.keys() - self._ciphers.keys():
            if octets := self._vault.unwrap(id_, self._keys[id_].sealed):
                self._ciphers[id_] = Cipher(octets)
        if self._current and self._current.id not in self._keys:
            self._current = None
        if self._waiting and self._waiting.id not in self._keys:
            self._waiting = None


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - twice as quick as Path.stat, once a batch
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _draft(file: Path) -> Path:
    # One name: what a crash leaves of it is replaced by the next one, and does not keep old keys.
    return file.with_name(file.name + ".new")


def _write(file: Path, keys: Iterable[DataKey]) -> None:
    """Have *keys* in *file* and on the disk, and nothing of what was in it before."""
    draft = _draft(file)
    lines = (f"{key.id.hex()} {key.use} {key.made} {key.sealed.hex()}\n" for key in keys)
    try:
        try:
            draft.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(draft, flags, 0o600), "w") as opened:
                if os.geteuid() == 0:  # a command of root beside a daemon that is not
                    database = file.with_suffix("")  # that of a server is no file
                    owner = (database if database.exists() else file.parent).stat()
                    os.fchown(opened.fileno(), owner.st_uid, owner.st_gid)
                opened.writelines(lines)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        folder_handle = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder_handle)
        finally:
            os.close(folder_handle)
    except OSError as error:
        raise KeyFault(
            f"{file} cannot be written ({error.strerror})",
            "no password can be sealed without it: is the disk full, "
            "or the folder not the service user's?",
        ) from None
