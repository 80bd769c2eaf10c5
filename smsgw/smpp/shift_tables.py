"""GSM 03.38: the default alphabet, its extension, and the national languages beside them.

Nothing but data. `LOCKING[language]` replaces the whole alphabet; `SINGLE[language]` holds
what an escape and one more septet mean. Language 0 is none: the default alphabet.

Source: 3GPP TS 23.038 §6.2.1, §6.2.1.1, Annex A.
"""

from collections.abc import Mapping

_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_TURKISH = (
    "@£$¥€éùıòÇ\nĞğ\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "İABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "çabcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_PORTUGUESE = (
    "@£$¥êéúíóç\nÔô\rÁá"
    "Δ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ"
    " !\"#º%&'()*+,-./"
    "0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÃÕÚÜ§"
    "~abcdefghijklmno"
    "pqrstuvwxyzãõ`üà"
)

LOCKING: Mapping[int, str] = {0: _DEFAULT, 1: _TURKISH, 3: _PORTUGUESE}

_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}


def _extended(septets: bytes, characters: str) -> Mapping[int, str]:
    return _EXTENSION | dict(zip(septets, characters, strict=True))


SINGLE: Mapping[int, Mapping[int, str]] = {
    0: _EXTENSION,
    1: _extended(b"GIScgis", "ĞİŞçğış"),
    2: _extended(b"\tAIOUaiou", "çÁÍÓÚáíóú"),
    3: _extended(
        b"\x05\t\x0b\x0c\x0e\x0f\x12\x13\x15\x16\x17\x18\x19\x1fAIOU[\\aiou{|\x7f",
        "êçÔôÁáΦΓΩΠΨΣΘÊÀÍÓÚÃÕÂíóúãõâ",
    ),
}
