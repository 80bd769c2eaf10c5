"""What one case of the cluster campaign came to, as a row of a table."""

from dataclasses import dataclass, field

from tests.cluster.nodes import Sight

HEAD = (
    "| case | texts | new owner's bind | its first text | old owner's last | after | second binds"
    " | refused | silence | lost | twice | already | replies again |"
)


@dataclass
class Row:
    """What one case came to."""

    case: str
    old: str
    sight: Sight
    texts: int
    lost: int
    twice: int
    already: int
    again: int  #: replies that came twice: promise 3 allows it where a node dies
    faults: list[str] = field(default_factory=list)


def line(row: Row) -> str:
    sight = row.sight

    def seconds(value: float | None) -> str:
        return "–" if value is None else f"{value:.1f}"

    cells = [
        row.case, row.texts, seconds(sight.taken), seconds(sight.first),
        seconds(None if sight.first is None else sight.last),
        sight.after, sight.beside, sight.refused, seconds(sight.silence), row.lost, row.twice,
        row.already, row.again,
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"
