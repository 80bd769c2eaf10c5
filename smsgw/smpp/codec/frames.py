"""A stream of octets -> whole PDUs; looks at command_length and at nothing else."""

from struct import Struct

from smsgw.smpp.pdu import StreamLost

HEADER_OCTETS = 16
# message_payload may hold 64 KiB; the rest of a PDU stays far below one. A longer length word
# means that the stream is out of step, and waiting for so many octets would hang the link.
MAX_PDU_OCTETS = 64 * 1024 + 1024

header = Struct(">IIII")  #: command_length, command_id, command_status, sequence_number
length = Struct(">I")
tlv_header = Struct(">HH")  #: tag, octets of the value


class FrameReader:
    """Cuts a stream of octets into whole PDUs; holds at most one unfinished PDU."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0  # octets without which there is nothing new to see in _rest

    @property
    def rest(self) -> bytes:
        """The unfinished PDU."""
        return bytes(self._rest)

    @property
    def is_inside(self) -> bool:
        """Whether a PDU has begun that is not whole yet."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Take what the network brought, in pieces of any size; give whole PDUs.

        Raises:
            StreamLost: a command_length that no PDU has; carries the PDUs before it.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[bytes] = []
        start, end = 0, len(data)
        while end - start >= 4:
            (octets,) = length.unpack_from(data, start)
            if not HEADER_OCTETS <= octets <= MAX_PDU_OCTETS:
                problem = f"command_length {octets} is impossible"
                raise StreamLost(problem, frames, data[start : start + 64])
            if start + octets > end:
                self._needed = octets
                break
            frames.append(data[start : start + octets])
            start += octets
        else:
            self._needed = 4
        if start < end:
            self._rest += data[start:]
        return frames
