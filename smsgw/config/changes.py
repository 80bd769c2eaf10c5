"""What is new in a configuration, by its keys, and which of them a running daemon takes over.

Pure. Values are compared and never told: they may be secrets.
"""

from collections.abc import Iterator, Mapping

from smsgw.config.sections import Settings
from smsgw.config.smsc import SmscSettings


def changes(old: Settings, new: Settings) -> list[str]:
    """The keys whose value is another, in the order of the file; of a link that came or went its
    name, such as `smsc.mobi`."""
    return list(_changes(old, new))


def _changes(old: Settings, new: Settings) -> Iterator[str]:
    for table in Settings.model_fields:
        before, after = getattr(old, table), getattr(new, table)
        if table == "smsc":
            yield from _changed_links(_by_name(before), _by_name(after))
        elif before is None or after is None:  # a table that may be left out
            if before is not after:
                yield table
        else:
            for key in type(before).model_fields:
                if getattr(before, key) != getattr(after, key):
                    yield f"{table}.{key}"


def _by_name(links: tuple[SmscSettings, ...]) -> dict[str, SmscSettings]:
    return {link.name: link for link in links}


def _changed_links(
    old: Mapping[str, SmscSettings], new: Mapping[str, SmscSettings]
) -> Iterator[str]:
    for name in {**old, **new}:
        if name not in old or name not in new:
            yield f"smsc.{name}"
            continue
        before, after = old[name], new[name]
        for key in SmscSettings.model_fields:
            same = getattr(before, key) == getattr(after, key)
            if not same or before.contents.get(key) != after.contents.get(key):
                yield f"smsc.{name}.{key}"


def need_restart() -> list[str]:
    """The keys that are read at the start alone."""
    return [
        f"{table}.{key}"
        for table, field in Settings.model_fields.items()
        for key, inner in getattr(field.annotation, "model_fields", {}).items()
        if isinstance(inner.json_schema_extra, dict) and inner.json_schema_extra.get("restart")
    ]
