"""What the network brought, as whole PDUs: some of them at once, and the rest a slice at a time.

A read of the socket may hold thousands of PDUs, and others want their turn. Knows when a PDU that
has begun must be whole, and whether the peer ever spoke SMPP; no meaning of a PDU.
"""

from collections import deque

from smsgw.smpp import codec
from smsgw.smpp.pdu import StreamLost

#: So many PDUs, or so many octets, are worked off before others have their turn; the largest PDU
#: is at most twice as many octets.
SLICE_PDUS = 256
SLICE_OCTETS = 32 * 1024
#: A PDU up to here cannot take long: whatever looks at it passes over it a bounded number of times.
WATCHED_OCTETS = 1024


class Stream:
    """
    Args:
        patience: seconds in which a PDU that has begun must be whole.

    Attributes:
        whole_by: when that is; None: none has begun.
        spoke_smpp: a whole PDU has come.
        behind: PDUs that were read and not yet worked off.
        lost: why nothing that comes behind these can be read; None: it can.
    """

    def __init__(self, patience: float) -> None:
        self.whole_by: float | None = None
        self.spoke_smpp = False
        self._patience = patience
        self._frames = codec.FrameReader()
        self.behind: deque[bytes] = deque()
        self.lost: StreamLost | None = None

    @property
    def rest(self) -> bytes:
        """The PDU that is not whole yet."""
        return self._frames.rest

    def foreign(self, data: bytes) -> str:
        """What *data*, not empty, begins with, if that is no SMPP; else nothing.

        A command_length begins with a zero; a peer that sends a letter first speaks something else.
        """
        if self.spoke_smpp or not data[0] or self._frames.rest:
            return ""
        tls = data[:2] in (b"\x15\x03", b"\x16\x03")
        return excerpt(data) + (", which is TLS: set tls = true" if tls else "")

    def feed(self, data: bytes, now: float, *, in_slices: bool) -> tuple[list[bytes], bool]:
        """Take *data*; the PDUs to work off now, and whether any became whole.

        Args:
            in_slices: keep what is more than a slice for `next_slice`.
        """
        try:
            frames = self._frames.feed(data)
        except StreamLost as fault:
            frames, self.lost = fault.frames, fault
        whole = bool(frames)
        if whole:
            self.spoke_smpp = True
        if whole or self.whole_by is None:
            self.whole_by = now + self._patience if self._frames.is_inside else None
        many = len(data) > SLICE_OCTETS or len(frames) > SLICE_PDUS
        if self.behind or (in_slices and many):
            self.behind += frames
            frames = self.next_slice()
        return frames, whole

    def next_slice(self) -> list[bytes]:
        """PDUs to work off before others have their turn."""
        behind, octets = self.behind, 0
        frames: list[bytes] = []
        while behind and len(frames) < SLICE_PDUS and octets < SLICE_OCTETS:
            octets += len(behind[0])
            frames.append(behind.popleft())
        return frames

    def forget(self) -> None:
        """Leave what was not worked off to the SMSC, which sends it again."""
        self.behind.clear()
        self.lost = None


def excerpt(octets: bytes) -> str:
    """The first of *octets*, for a person."""
    return f"{octets[:32]!r}" + ("…" if len(octets) > 32 else "")
