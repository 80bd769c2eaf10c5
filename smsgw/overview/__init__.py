"""What one looks at to know whether it works: one value for `status`, `links`, `/healthz`, STATUS.

Who asks gathers a `Sight`, each from where it can look: the daemon from its links, its pulse and
the thread of its store; a command, where no daemon answers, from the database. What follows from it
is the same for all. Reads rows of the store and the size of its disk; must not know what shows it.

    values   what is seen, and what follows from it
    reading  what the store and its disk say
    nodes    the machines that run a daemon of the store
    links    its links
    judged   what is not well
    telling  on its way from the daemon to a command
"""

from smsgw.overview.judged import overview, report
from smsgw.overview.links import link_rows
from smsgw.overview.nodes import age_of, differences, node_of
from smsgw.overview.reading import (
    BACKUP_FACT,
    RELOAD_FACT,
    RELOAD_OK_FACT,
    look_at_disk,
    read,
)
from smsgw.overview.telling import told
from smsgw.overview.values import LinkRow, Node, Overview, Sight, Stored

__all__ = [
    "BACKUP_FACT",
    "RELOAD_FACT",
    "RELOAD_OK_FACT",
    "LinkRow",
    "Node",
    "Overview",
    "Sight",
    "Stored",
    "age_of",
    "differences",
    "link_rows",
    "look_at_disk",
    "node_of",
    "overview",
    "read",
    "report",
    "told",
]
