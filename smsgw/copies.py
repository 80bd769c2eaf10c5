"""Copies of the database: `smsgw backup`, and the one before a migration.

A copy is written under a name of its own, checked, and only then given its name, which nobody may
have: what was cut off never looks like a copy, and what exists is never replaced. It has the data
keys of the texts that wait in it, sealed by the secret key, so that they open where it is restored.

Knows files and folders, and that a store and its data keys belong together.
"""

import ctypes
import errno
import logging
import os
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from smsgw import clock, datakeys
from smsgw.errors import SmsgwError
from smsgw.store import Store, Unavailable, finish_copy
from smsgw.store.copy import Told, copy

log = logging.getLogger("smsgw.copies")

#: The fact that says when the last copy was made that is whole.
LAST_BACKUP = "last_backup_at"
#: What is left of a copy that was cut off is removed by the next one that is made after this.
DEAD_AFTER = timedelta(hours=6)
#: So long the copy from before a migration stays.
KEPT_AFTER_MIGRATION = timedelta(days=7)

_DRAFT = ".smsgw-backup-"
_OURS = re.compile(r"smsgw-\d{4}-\d\d-\d\d-\d{6}\.\d{6}Z\.db")
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1


def backup(store: Store, file: Path, now: datetime) -> None:
    """Write a copy to *file*, mode 0600, while others go on writing.

    Raises:
        SmsgwError: *file* exists, whatever it is, or cannot be written.
    """
    _copy(store, file, now)
    # Who may only read the database may copy it all the same.
    with suppress(SmsgwError), store.transaction():
        store.set_fact(LAST_BACKUP, str(clock.stamp(now)))


def backup_into(store: Store, folder: Path, keep: int, now: datetime) -> Path:
    """Write a copy into *folder*, and leave the last *keep* of such copies there.

    Returns:
        The new one.

    Raises:
        SmsgwError: it cannot be written; then nothing is removed.
    """
    file = folder / f"smsgw-{now:%Y-%m-%d-%H%M%S.%f}Z.db"
    backup(store, file, now)
    own = sorted(path for path in _files(folder) if _OURS.fullmatch(path.name) and path != file)
    for path in own[: max(0, len(own) + 1 - keep)]:
        with suppress(FileNotFoundError):
            path.unlink()
    return file


def carry(source: Store, target: Store, name: str, told: Told) -> int:
    """Carry everything from *source*, which goes by *name*, to *target*, with the data keys of what
    waits in it; how many rows.

    Raises:
        SmsgwError: the target is not empty, or not the same in the end.
    """
    return copy(source, target, name, told, keys=_data_keys(source))


def before_migration(store: Store, now: datetime) -> None:
    """Write a copy beside the database, for the way back to the version before.

    Raises:
        SmsgwError: there is no room for it, or it cannot be written.
    """
    assert store.path is not None  # noqa: S101 - nobody migrates what is in memory
    file = store.path.with_name(f"{store.path.name}.before-{now:%Y-%m-%d-%H%M%S}")
    _copy(store, file, now)
    # In what is left of the log may be what the copy's data keys open.
    store.truncate_log()
    log.info("copy before the migration file=%s", file)


def remove_old(database: Path, now: datetime) -> None:
    """Remove copies from before a migration that is long done."""
    name = re.compile(re.escape(database.name) + r"\.before-\d{4}-\d\d-\d\d-\d{6}")
    for path in _files(database.parent):
        if name.fullmatch(path.name) and _age(path, now) > KEPT_AFTER_MIGRATION:
            with suppress(OSError):
                path.unlink()
                log.info("copy before the migration removed file=%s", path)


def _copy(store: Store, file: Path, now: datetime) -> None:
    if os.path.lexists(file):
        raise SmsgwError(f"{file} exists", "name a file that does not")
    _remove_dead(file.parent, now)
    draft = file.with_name(_DRAFT + secrets.token_hex(8))
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        # A key may be made, or be forgotten, while the copy is written.
        keys = _data_keys(store)
        store.copy_to(draft)
        finish_copy(draft, keys | _data_keys(store))
        _sync(draft)
        _name(draft, file)
        _sync(file.parent)
    except FileExistsError:
        raise SmsgwError(f"{file} exists", "name a file that does not") from None
    except OSError as error:
        raise SmsgwError(
            f"{file} cannot be made ({error.strerror})",
            f"is {file.parent} a folder that you may write to, with room in it?",
        ) from error
    except Unavailable as error:
        raise SmsgwError(
            f"{file}: {error}", f"nothing was kept; is there room in {file.parent}?"
        ) from error
    finally:
        for path in (draft, draft.with_name(draft.name + "-journal")):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _data_keys(store: Store) -> set[datakeys.DataKey]:
    if store.is_shared:
        return {datakeys.DataKey(*row) for row in store.data_keys()}
    if store.path is None:
        return set()
    return set(datakeys.read(datakeys.file_of(store.path)))


def _name(draft: Path, file: Path) -> None:
    """Give *draft* its name, which nobody has.

    Raises:
        FileExistsError: somebody has.
        OSError: it cannot be done.
    """
    try:
        os.link(draft, file)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without links, such as that of a memory stick.
        library = ctypes.CDLL(None, use_errno=True)
        old, new = os.fsencode(draft), os.fsencode(file)
        if library.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(file)) from None
    else:
        draft.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_dead(folder: Path, now: datetime) -> None:
    for path in _files(folder):
        if path.name.startswith(_DRAFT) and _age(path, now) > DEAD_AFTER:
            with suppress(OSError):
                path.unlink()


def _files(folder: Path) -> list[Path]:
    """The regular files in *folder*; none where it cannot be read."""
    try:
        return [path for path in folder.iterdir() if not path.is_symlink() and path.is_file()]
    except OSError:
        return []


def _age(path: Path, now: datetime) -> timedelta:
    try:
        return timedelta(seconds=now.timestamp() - path.lstat().st_mtime)
    except OSError:
        return timedelta(0)
