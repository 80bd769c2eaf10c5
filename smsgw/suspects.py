"""Inputs under suspicion: what was being read when the process was killed.

A watchdog kills a gateway whose event loop stands still, and the input over which it stood still
comes again with the next session, because the SMSC got no answer to it. So while a large PDU is
read, its fingerprint stands in a small file beside the database, mapped into memory: to mark it
takes no system call, and what was written survives the process, however it ends. The next start
finds it there and counts it. An input that was being read at the end of two processes is refused
from then on.

Knows octets and one file; nothing of PDUs, links or the database. A file that cannot be made or
is damaged costs only this protection.

    offset  octets
         0       8   magic
         8       4   fingerprint of what is being read, 0: nothing
        16   64 x 8  fingerprint (4), at how many ends of the process it was being read (4)
"""

import logging
import mmap
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Self

log = logging.getLogger(__name__)

#: Ends of the process after which an input is not read again.
ENOUGH = 2
#: So many are remembered; if there are more, the one that was counted first is forgotten.
MAX_SUSPECTS = 64

_MAGIC = b"SMSGWsus"
_reading = Struct(">8xI")
_entries = Struct(f">16x{2 * MAX_SUSPECTS}I")
_fingerprint = Struct(">I")
_OCTETS = 4096


class Suspects:
    """The file, open. Only the daemon of the database may have it so."""

    def __init__(self, memory: mmap.mmap | None, counts: dict[int, int]) -> None:
        self._memory = memory
        self._refused = frozenset(key for key, count in counts.items() if count >= ENOUGH)

    @classmethod
    def open(cls, database: Path) -> Self:
        """Count what the last process left behind, and be ready to mark. Never raises."""
        path = database.with_name(database.name + ".suspects")
        try:
            memory = _map(path)
        except (OSError, ValueError) as fault:
            log.warning("suspects: %s cannot be used (%s); inputs are not watched", path, fault)
            return cls(None, {})
        counts = _counted(memory)
        for key, count in counts.items():
            if count >= ENOUGH:
                log.warning("suspects: input %08x is refused from now on", key)
        return cls(memory, counts)

    def begins(self, octets: bytes) -> str | None:
        """*octets* are being read from now on; or their fingerprint, where they must not be."""
        # Four octets are enough to tell one input from another, and too few to find a password
        # that one quotes: each fits hundreds.
        digest = blake2b(octets, digest_size=4).digest()
        if _fingerprint.unpack(digest)[0] in self._refused:
            return digest.hex()
        if self._memory is not None:
            self._memory[8:12] = digest
        return None

    def ends(self) -> None:
        """They were read."""
        if self._memory is not None:
            self._memory[8:12] = b"\0\0\0\0"

    def close(self) -> None:
        if self._memory is not None:
            self.ends()
            self._memory.close()
            self._memory = None


def _map(path: Path) -> mmap.mmap:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o600)
    try:
        missing = _OCTETS - os.fstat(handle).st_size
        if missing > 0:
            # Written, not only made longer: if the disk had no room for the page, the first mark
            # would end the process.
            os.pwrite(handle, bytes(missing), _OCTETS - missing)
        return mmap.mmap(handle, _OCTETS)
    finally:
        os.close(handle)


def _counted(memory: mmap.mmap) -> dict[int, int]:
    """How often each input was being read when a process ended, the last end included."""
    counts: dict[int, int] = {}
    left = 0
    if memory[: len(_MAGIC)] == _MAGIC:
        (left,) = _reading.unpack_from(memory)
        values = _entries.unpack_from(memory)
        counts = {key: n for key, n in zip(values[::2], values[1::2], strict=True) if key}
    if left:
        counts[left] = min(counts.pop(left, 0) + 1, 0xFFFF)
        log.warning(
            "suspects: input %08x was being read when the last process was killed, %d times so far",
            left,
            counts[left],
        )
        while len(counts) > MAX_SUSPECTS:
            del counts[next(iter(counts))]
    pairs = [value for pair in counts.items() for value in pair]
    pairs += [0] * (2 * MAX_SUSPECTS - len(pairs))
    memory[: _entries.size] = _MAGIC + bytes(8) + _entries.pack(*pairs)[16:]
    with suppress(OSError):
        memory.flush()
    return counts
