"""PDU <-> octets: strict and ours on the way in, smpplib on the way out.

    frames   a stream of octets -> whole PDUs
    layout   the fields of each operation
    reading  a whole PDU -> its fields; reads every octet itself
    writing  fields -> octets; the only importer of smpplib

smpplib's parser is not used: it takes cut fields, missing NULs and lengths beyond the PDU without
a word. What it builds is checked first, because it cuts what is too long. Knows no session, no
meaning of a text.

Source: SMPP v3.4 §3.2 (types), §4 (fields of each operation), §5.3 (TLVs).
"""

from smsgw.smpp.codec.frames import HEADER_OCTETS, MAX_PDU_OCTETS, FrameReader, header
from smsgw.smpp.codec.reading import (
    MAX_TLVS,
    decode,
    decode_data,
    decode_message,
    first_string,
    interface_version,
    validity_period,
)
from smsgw.smpp.codec.writing import SubmitTemplate, absolute_time, answer, encode

__all__ = [
    "HEADER_OCTETS",
    "MAX_PDU_OCTETS",
    "MAX_TLVS",
    "FrameReader",
    "SubmitTemplate",
    "absolute_time",
    "answer",
    "decode",
    "decode_data",
    "decode_message",
    "encode",
    "first_string",
    "header",
    "interface_version",
    "validity_period",
]
