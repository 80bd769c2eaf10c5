"""Texts <-> octets: alphabets, national language shift tables, parts of long texts."""

from enum import StrEnum


class Alphabet(StrEnum):
    """What data_coding 0 means on a link ("SMSC default alphabet")."""

    GSM7 = "gsm7"  #: GSM 03.38, one septet an octet
    ASCII = "ascii"
    LATIN1 = "latin1"
