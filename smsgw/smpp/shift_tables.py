"""GSM 03.38: the default alphabet, its extension, and the national languages beside them.

Nothing but data. `LOCKING[language]` replaces the whole alphabet; `SINGLE[language]` holds
what an escape and one more septet mean. Language 0 is none: the default alphabet.

Source: 3GPP TS 23.038 §6.2.1, §6.2.1.1, Annex A.
"""

from collections.abc import Iterator, Mapping

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


# The other languages share what is not their own: a dot stands for one of their letters, a
# blank of the single shift table for nothing.
_LOCKING_FRAME = (
    "··········\n··\r··"
    "···········\x1b····"
    " !······)(··,·.·"
    "0123456789:;···?"
    "················"
    "················"
    "·abcdefghijklmno"
    "pqrstuvwxyz·····"
)
_SINGLE_FRAME = (
    "@£$¥¿\"¤%&'\f*+ -/"
    "<=>¡^¡_#*·· ····"
    "········{}·····\\"
    "············[~]·"
    "|ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZ     "
    "     €"
)
# Their letters in the order of the frames, as Unicode: of the locking, of the single table.
_LETTERS: Mapping[int, tuple[str, str]] = {
    4: (  # Bengali
        "981-983 985-9b9 9bc-9cd 9ce 9d7 9dc 9dd 9f0 9f1",
        "9e6-9ef 9df-9e3 9f2-9fa",
    ),
    5: (  # Gujarati
        "a81-a83 a85-ab9 abc-acd ad0 ae0-ae3 af1",
        "964 965 ae6-aef",
    ),
    6: (  # Hindi
        "901-903 905-939 93c-94d 950 972 97b 97c 97e 97f",
        "964 965 966-96f 951-954 958-963 970 971",
    ),
    7: (  # Kannada
        "c81-c83 c85-cb9 cbc-ccd cd5 cd6 ce0-ce3",
        "964 965 ce6-cef cde cf1 cf2",
    ),
    8: (  # Malayalam
        "d01-d03 d05-d39 d3c-d4d d57 d60-d63 d79",
        "964 965 d66-d75 d7a-d7f",
    ),
    9: (  # Oriya
        "b01-b03 b05-b39 b3c-b4d b56 b57 b60-b63",
        "964 965 b66-b6f b5c b5d b5f b70 b71",
    ),
    10: (  # Punjabi
        "a01-a03 a05-a39 a3c-a4d a51 a70-a74",
        "964 965 a66-a6f a59-a5c a5e a75",
    ),
    11: (  # Tamil
        "b81-b83 b85-bb9 bbc-bcd bd0 bd7 bf0-bf2 bf9",
        "964 965 be6-bef bf3-bf8 bfa",
    ),
    12: (  # Telugu
        "c01-c03 c05-c39 c3c-c4d c55 c56 c60-c63",
        "20 20 c66-c6f c58 c59 c78-c7f",
    ),
    13: (  # Urdu
        "627 622 628 67b 680 67e 6a6 62a 6c2 67f 679 67d 67a 67c 62b 62c 681 684 683 685 686 687 "
        "62d 62e 62f 68c 688-68a 68f 68d 630 631 691 693 699 632 696 698 69a 633 634 635-639 641 "
        "642 6a9-6ab 6af 6b3 6b1 644-646 6ba-6bc 648 6c4 6d5 6c1 6be 621 6cc 6d0 6d2 64d 650 64f "
        "657 654 655 651 653 656 670",
        "600 601 6f0-6f9 60c-614 61b 61f 640 652 658 66b 66c 672 673 6cd 6d4",
    ),
}


def _letters(ranges: str) -> Iterator[str]:
    for each in ranges.split():
        first, _, last = each.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


def _fill(frame: str, ranges: str) -> str:
    letters = _letters(ranges)
    return "".join(next(letters, " ") if place == "·" else place for place in frame)


LOCKING: Mapping[int, str] = {
    0: _DEFAULT,
    1: _TURKISH,
    3: _PORTUGUESE,
    **{language: _fill(_LOCKING_FRAME, own) for language, (own, _) in _LETTERS.items()},
}
SINGLE: Mapping[int, Mapping[int, str]] = {
    0: _EXTENSION,
    1: _extended(b"GIScgis", "ĞİŞçğış"),
    2: _extended(b"\tAIOUaiou", "çÁÍÓÚáíóú"),
    3: _extended(
        b"\x05\t\x0b\x0c\x0e\x0f\x12\x13\x15\x16\x17\x18\x19\x1fAIOU[\\aiou{|\x7f",
        "êçÔôÁáΦΓΩΠΨΣΘÊÀÍÓÚÃÕÂíóúãõâ",
    ),
    **{
        language: {
            septet: character
            for septet, character in enumerate(_fill(_SINGLE_FRAME, own))
            if character != " "
        }
        for language, (_, own) in _LETTERS.items()
    },
}
