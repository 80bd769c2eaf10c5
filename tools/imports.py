"""Who imports whom in the package, read from its source; nothing of it is run."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "smsgw"
#: Module -> its file; that of a package ends in `.__init__`.
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}
MODULES = {name.removesuffix(".__init__") for name in FILES}


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module of `FILES`."""
    return ast.parse(FILES[module].read_text(), str(FILES[module]))


@cache
def imports(module: str) -> frozenset[str]:
    """Modules that *module* imports, at whatever depth in its code, for types too."""
    package = module if module.endswith(".__init__") else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.removesuffix(".__init__").split(".")
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            # `from smsgw.store import sql` imports the module smsgw.store.sql.
            inner = {f"{base}.{alias.name}" for alias in node.names} & MODULES
            found.update(inner or {base})
    return frozenset(found)


def within(module: str, room: str) -> bool:
    """Whether *module* is *room*, or stands in it."""
    return module == room or module.startswith(room + ".")


def in_room(room: str) -> list[str]:
    """The modules of *room*."""
    return [name for name in FILES if within(name, room)]


def our_imports(module: str) -> set[str]:
    """Modules of the package that *module* imports."""
    return {name for name in imports(module) if within(name, PACKAGE)} - {PACKAGE}


def rooms() -> dict[str, set[str]]:
    """Each room (a module or package right below the package), and which others it knows."""
    known: dict[str, set[str]] = {}
    for module in FILES:
        if (room := _room(module)) is not None:
            known.setdefault(room, set()).update(
                other
                for name in our_imports(module)
                if (other := _room(name)) is not None and other != room
            )
    return known


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and not parts[1].startswith("__") else None
