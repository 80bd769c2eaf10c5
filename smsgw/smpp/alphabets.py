"""Texts <-> octets: alphabets, national language shift tables, parts of long texts.

Knows octets and characters; knows neither PDUs nor what a text means.

Source: 3GPP TS 23.038 (GSM 03.38) §6.2.1 (default alphabet and extension), §4 (data coding
scheme); SMPP v3.4 §5.2.19 (data_coding); 3GPP TS 23.040 §9.2.3.24 (user data header).
"""

import codecs
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from smsgw.model import Octets, Part
from smsgw.smpp.shift_tables import LOCKING, SINGLE


class Alphabet(StrEnum):
    """What data_coding 0 means on a link ("SMSC default alphabet")."""

    GSM7 = "gsm7"  #: GSM 03.38, one septet an octet
    ASCII = "ascii"
    LATIN1 = "latin1"


#: Of a longer text the beginning is read, with a mark behind it that makes it no registration.
#: 2,000 characters, beyond which none is, have at most 6,000 octets in a language of these parts.
MAX_TEXT_OCTETS = 8192
CUT = " [...]"

NO_SHIFT = (0, 0)  #: national language (single, locking) shift tables: none
ESCAPE = 0x1B  #: the next septet is looked up in the single shift (extension) table

_GSM7, _EXTENSION = LOCKING[0], SINGLE[0]
_gsm7 = Alphabet.GSM7
# U+FFFE means "not defined" to the charmap codec, so an escape ends the fast way.
_decoding = _GSM7.replace("\x1b", "\ufffe")
_octets = {character: bytes((septet,)) for septet, character in enumerate(_decoding)} | {
    character: bytes((ESCAPE, septet)) for septet, character in _EXTENSION.items()
}
del _octets["\ufffe"]
_septets = {character: len(octets) for character, octets in _octets.items()}
# The fast way of encoding: a text in Latin-1, octet by octet; 255 for what needs the slow one.
_latin1_to_gsm7 = bytes(_decoding.find(chr(code)) & 0xFF for code in range(256))


def septets(text: str) -> int | None:
    """How many septets *text* takes in GSM 03.38: two for ``^{}\\[~]|€``; None: not in it."""
    try:
        return sum(map(_septets.__getitem__, text))
    except KeyError:
        return None


# --- out ------------------------------------------------------------------------------------


def encode(text: str, alphabet: Alphabet) -> bytes:
    """*text* as octets with data_coding 0.

    What *alphabet* lacks becomes its base letter, else a question mark: better a reply with
    one odd character than none.
    """
    try:
        if alphabet is not _gsm7:
            return text.encode(alphabet)
        octets = text.encode("latin-1").translate(_latin1_to_gsm7)
        if b"\xff" not in octets:
            return octets
    except UnicodeEncodeError:
        pass
    return b"".join(_encode_one(character, alphabet) for character in text)


def _encode_one(character: str, alphabet: Alphabet) -> bytes:
    for form in (character, unicodedata.normalize("NFKD", character)[0], "?"):
        octets = _octets.get(form, b"") if alphabet is _gsm7 else form.encode(alphabet, "ignore")
        if octets:
            break
    return octets


# --- in -------------------------------------------------------------------------------------


def decode(
    octets: bytes, data_coding: int, alphabet: Alphabet, shift: tuple[int, int] = NO_SHIFT
) -> str | None:
    """The text that *octets* (without user data header) write; None: cannot be read."""
    if len(octets) > MAX_TEXT_OCTETS:
        return _beginning(octets, data_coding, alphabet, shift)
    try:
        if data_coding == 0 and alphabet is _gsm7 and shift is NO_SHIFT:
            return codecs.charmap_decode(octets, "strict", _decoding)[0]
    except UnicodeDecodeError:
        pass
    try:
        if data_coding == 0 and shift != NO_SHIFT:
            return _read_gsm7(octets, shift)  # the tables are those of GSM 03.38
        return _reader(data_coding, alphabet)(octets, shift)
    except UnicodeDecodeError:
        return None


def _beginning(
    octets: bytes, data_coding: int, alphabet: Alphabet, shift: tuple[int, int]
) -> str | None:
    for end in (MAX_TEXT_OCTETS, MAX_TEXT_OCTETS - 2):  # not inside a surrogate pair
        text = decode(octets[:end], data_coding, alphabet, shift)
        if text is not None:
            return text + CUT
    return None


_Reader = Callable[[bytes, tuple[int, int]], str]


def _read_gsm7(octets: bytes, shift: tuple[int, int]) -> str:
    single, locking = _tables(shift)
    text = []
    escaped = False
    for septet in octets:
        if septet == ESCAPE:
            escaped = True
            continue
        if escaped:
            escaped = False
            # A receiver that does not know the extended character shows the plain one
            # (3GPP TS 23.038 §6.2.1.1).
            if septet in single:
                text.append(single[septet])
                continue
        if septet > 0x7F:
            raise UnicodeDecodeError("gsm7", octets, 0, 1, "not a septet")
        text.append(locking[septet])
    return "".join(text)


def _read_ascii(octets: bytes, shift: tuple[int, int]) -> str:
    return octets.decode("ascii")


def _read_latin1(octets: bytes, shift: tuple[int, int]) -> str:
    return octets.decode("latin-1")


def _read_octets(octets: bytes, shift: tuple[int, int]) -> str:
    # "8-bit binary" says nothing about characters: what is valid UTF-8 hardly ever means
    # something else.
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _read_ucs2(octets: bytes, shift: tuple[int, int]) -> str:
    # UTF-16 rather than UCS-2: handsets write emoji as surrogate pairs. Big-endian (SMPP v3.4
    # has network order only), unless a byte-order mark says otherwise.
    if octets.startswith(codecs.BOM_UTF16_LE):
        return octets[2:].decode("utf-16-le")
    return octets.decode("utf-16-be")


_READERS: Mapping[int, _Reader] = {1: _read_ascii, 2: _read_octets, 3: _read_latin1}
_DEFAULT: Mapping[Alphabet, _Reader] = {
    Alphabet.GSM7: _read_gsm7,
    Alphabet.ASCII: _read_ascii,
    Alphabet.LATIN1: _read_latin1,
}


@lru_cache(maxsize=256 * len(Alphabet))
def _reader(data_coding: int, alphabet: Alphabet) -> _Reader:
    if data_coding == 0:
        return _DEFAULT[alphabet]
    if data_coding in _READERS:
        return _READERS[data_coding]
    # Many SMSCs hand on the handset's data coding scheme as it is (3GPP TS 23.038 §4), where what
    # is reserved is to be read as the default alphabet. SMPP's own 4 and 8 mean the same there.
    group = data_coding >> 4
    if group == 0xF:  # data coding and message class
        return _read_octets if data_coding & 0x04 else _read_gsm7
    if group >= 0x8:  # reserved; message waiting (0xC to 0xE), of which the last is in UCS-2
        return _read_ucs2 if group == 0xE else _read_gsm7
    if data_coding & 0x20:  # general data coding, also of a text that deletes itself (0x4 to 0x7)
        return _compressed
    return (_read_gsm7, _read_octets, _read_ucs2, _read_gsm7)[data_coding >> 2 & 3]


def _compressed(octets: bytes, shift: tuple[int, int]) -> str:
    raise UnicodeDecodeError("data_coding", octets, 0, 1, "compressed, which no handset writes")


def _tables(shift: tuple[int, int]) -> tuple[Mapping[int, str], str]:
    """A language that we have no table of is read as if none was named (§6.2.1.2.2)."""
    single, locking = shift
    return SINGLE.get(single, _EXTENSION), LOCKING.get(locking, _GSM7)


# --- other readings ---------------------------------------------------------------------------


def readings(octets: Octets) -> Iterator[str]:
    """The texts that *octets* may write, whatever their data_coding says.

    In the alphabets that phones and SMSCs mix up: UTF-8, or Latin-1 where they are none (as
    Windows writes it), GSM 03.38 with a septet an octet or packed, UTF-16 in both orders. NULs at
    the end belong to no text.
    """
    joined = b"".join(octets.pieces)
    plain = joined.rstrip(b"\0")
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            yield plain.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    for septets_ in (plain, _unpacked(octets)):
        text = decode(septets_, 0, _gsm7)
        if text is not None:
            yield text
            if text.endswith("@"):  # seven bits that are left over read as a septet 0
                yield text[:-1]
    wide = joined[:-1] if len(joined) % 2 and joined.endswith(b"\0") else joined
    for encoding in ("utf-16-be", "utf-16-le"):
        try:
            yield wide.decode(encoding).rstrip("\0")
        except UnicodeDecodeError:
            continue


def _unpacked(octets: Octets) -> bytes:
    """The septets that were packed, eight into seven octets, in each piece (TS 23.038 §6.1.2.1)."""
    septets_ = bytearray()
    for piece in octets.pieces:
        bits = int.from_bytes(piece, "little") >> octets.fill
        count = (8 * len(piece) - octets.fill) // 7
        septets_ += bytes(bits >> 7 * n & 0x7F for n in range(count))
    return bytes(septets_)


# --- parts ----------------------------------------------------------------------------------


class Header(NamedTuple):
    """What a user data header says about the text behind it."""

    ref: str  #: such as "8:213" or "16:4711"; empty: the text is whole
    total: int
    number: int
    shift: tuple[int, int]  #: as in `Part.shift`
    mended: bool = False  #: its length was another one than it said


#: Octets of the elements that mean something to us, and of those that come beside them
#: (3GPP TS 23.040 §9.2.3.24).
_ELEMENTS: Mapping[int, int] = {
    0x00: 3,  # concatenated, 8-bit reference
    0x01: 2,  # special message indication
    0x04: 2,  # ports, 8-bit
    0x05: 4,  # ports, 16-bit
    0x08: 4,  # concatenated, 16-bit reference
    0x24: 1,  # national language single shift
    0x25: 1,  # national language locking shift
}


def split_header(octets: bytes) -> tuple[Header | None, bytes]:
    """Part a user data header from the text behind it.

    One whose lengths do not fit is read by its elements, where these are of a long text. Else it
    is none, and all of it is text, since some SMSCs raise the UDHI bit without a header.
    """
    header, text = _split(octets)
    if header is None and len(octets) > 1:
        mended = _with_its_length(octets)
        if mended is not None:
            header, text = _split(mended)
            if header is not None:
                header = header._replace(mended=True)
            else:
                text = octets
    return header, text


def _with_its_length(octets: bytes) -> bytes | None:
    """*octets* with the length that the elements of their header have; None: no header of a part.

    A text can hardly go on with octets that read as one of these elements.
    """
    at, elements = 1, set()
    header = bytearray((0,))
    while len(octets) > at + 1:
        element, stated = octets[at], octets[at + 1]
        length = _ELEMENTS.get(element)
        if length is None or element in elements or len(octets) < at + 2 + length:
            break
        # Of a single element it may be its own length that is wrong.
        if stated != length and (at > 1 or octets[0] != 2 + length):
            break
        elements.add(element)
        header += bytes((element, length)) + octets[at + 2 : at + 2 + length]
        at += 2 + length
    if not elements & {0x00, 0x08}:
        return None
    header[0] = len(header) - 1
    return bytes(header) + octets[at:]


def _split(octets: bytes) -> tuple[Header | None, bytes]:
    if not octets or octets[0] >= len(octets):
        return None, octets
    end = octets[0] + 1
    ref, total, number = "", 1, 1
    single = locking = 0
    at = 1
    while at + 2 <= end:
        element, length = octets[at : at + 2]
        value = octets[at + 2 : at + 2 + length]
        at += 2 + length
        if at > end:
            return None, octets
        match element, length:
            case 0x00, 3:  # concatenated, 8-bit reference
                ref, total, number = f"8:{value[0]}", value[1], value[2]
            case 0x08, 4:  # concatenated, 16-bit reference
                ref, total, number = f"16:{value[0] << 8 | value[1]}", value[2], value[3]
            case 0x24, 1:
                single = value[0]
            case 0x25, 1:
                locking = value[0]
    if at != end:
        return None, octets
    return Header(ref, total, number, (single, locking)), octets[end:]


def join(parts: Sequence[Part], alphabet: Alphabet) -> str | None:
    """The long text of all its *parts*, in any order; None: cannot be read.

    Neighbours in the same alphabet are decoded as one, because handsets cut surrogate pairs
    and escapes in two.
    """
    text = []
    ordered = sorted(parts, key=lambda part: part.number)
    for (data_coding, shift), run in groupby(ordered, lambda p: (p.data_coding, p.shift)):
        octets = b"".join(part.octets for part in run)
        text.append(decode(octets, data_coding, alphabet, shift))
    return None if None in text else "".join(filter(None, text))
