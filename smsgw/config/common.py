"""What several machines on one database must have in common, in one short text to compare.

Links move from one to the other: two that answer citizens in different words, or know different
links, would do so by chance. What is a machine's own (where it listens, its files, how it binds)
is not in it. Pure.
"""

import hashlib
import json

from smsgw.config.sections import Settings

_DIGITS = 16


def common_digest(settings: Settings) -> str:
    """Equal for all machines of one configuration; tells nothing of it."""
    tables = settings.registration, settings.messages, settings.limits
    links = sorted([link.name, link.host, link.port, link.carrier] for link in settings.smsc)
    # As a text: hours and durations are no values of JSON.
    text = json.dumps([links, [table.model_dump() for table in tables]], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
