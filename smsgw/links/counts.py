"""What is counted on a link, each with its meaning."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from smsgw.histogram import Histogram


def _counts(meaning: str) -> int:
    value: int = field(default=0, metadata={"help": meaning})
    return value


@dataclass(slots=True)
class Counts:
    """What happened on a link since the start; only ever grows."""

    mo: int = _counts("Texts received, parts and retransmissions included.")
    receipts: int = _counts("Delivery receipts received.")
    busy: int = _counts("Texts and receipts turned away because too many waited.")
    sent: int = _counts("submit_sm sent, each try counted.")
    taken: int = _counts("MTs that the SMSC took.")
    taken_late: int = _counts("MTs that the SMSC took after we had given up its answer.")
    postponed: int = _counts("MTs that the SMSC wants later.")
    throttled: int = _counts("MTs that the SMSC wants later because the link is too fast.")
    barred: int = _counts("MTs that the SMSC refused because they come from our short code.")
    refused: int = _counts("MTs that the SMSC will never take.")
    unanswered: int = _counts("MTs whose answer never came.")
    binds: int = _counts("Binds that the SMSC accepted.")
    losses: int = _counts("Bound sessions that ended without our wish.")
    #: From a citizen's text until the SMSC took its answer.
    replied: Histogram = field(default_factory=Histogram)

    def measure(self) -> Iterator[tuple[str, str, float | Histogram]]:
        """Name of the metric, meaning and value of each."""
        for count in fields(self):
            if meaning := count.metadata.get("help"):
                yield f"{count.name}_total", meaning, getattr(self, count.name)
        yield "reply_seconds", "From a citizen's text until the SMSC took its answer.", self.replied
