"""Who texts in the demo, and the number that they text to."""

from typing import NamedTuple

SHORTCODE = "8188"


class Phone(NamedTuple):
    number: str  #: as the carrier writes it
    owner: str

    @property
    def national(self) -> str:
        """0905 123 456: as its owner would write it."""
        digits = "0" + self.number.removeprefix("84")
        return f"{digits[:4]} {digits[4:7]} {digits[7:]}"


AN = Phone("84905123456", "Nguyễn Văn An")
DAO = Phone("84914222333", "Nguyễn Thị Đào")
BINH = Phone("84935777888", "Trần Bình")
