"""Who may know whom: reads the imports of the package and keeps the house in order.

Imports point downward only. A new import that fails here is a question about the shape of the
code, not about this file.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "smsgw"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MODULES = {name.removesuffix(".__init__") for name in FILES}

#: Rooms that must not know each other: room -> what of our own it may import from elsewhere.
WORDS = {"smsgw.model", "smsgw.errors", "smsgw.clock"}
MAY_KNOW = {
    "smsgw.model": set(),
    "smsgw.errors": set(),
    "smsgw.clock": set(),
    "smsgw.phone": WORDS,
    "smsgw.passwords": WORDS,
    "smsgw.vault": WORDS,
    "smsgw.harmless": set(),
    "smsgw.logs": WORDS | {"smsgw.harmless"},
    "smsgw.registration": WORDS | {"smsgw.phone", "smsgw.smpp.alphabets"},
    "smsgw.smpp": WORDS,
    "smsgw.store": WORDS,
}
#: The only ones that know everybody.
WIRING = ("smsgw.cli", "smsgw.daemon", "smsgw.__main__")


@cache
def tree(module):
    return ast.parse(FILES[module].read_text(), str(FILES[module]))


@cache
def imports(module, *, for_types_too=True):
    """Modules that *module* imports, at whatever depth in its code."""
    package = module if module.endswith(".__init__") else module.rpartition(".")[0]
    found, types_only = set(), set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            types_only.update(map(id, node.body))
    for node in ast.walk(tree(module)):
        if id(node) in types_only and not for_types_too:
            continue
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


def within(module, room):
    return module == room or module.startswith(room + ".")


def in_room(room):
    return [name for name in FILES if within(name, room)]


def our_imports(module):
    return {name for name in imports(module) if within(name, "smsgw")} - {"smsgw"}


@pytest.mark.parametrize("room", MAY_KNOW)
def test_room_knows_only_what_lies_below_it(room):
    strangers = {
        f"{module} imports {known}"
        for module in in_room(room)
        for known in our_imports(module)
        if not within(known, room) and known not in MAY_KNOW[room]
    }
    assert set() == strangers


def test_gateway_never_sees_a_pdu():
    wire = {"smsgw.smpp.pdu", "smsgw.smpp.codec", "smsgw.smpp.session"}
    for module in ("smsgw.gateway", "smsgw.desk"):
        if module in FILES:
            assert set() == imports(module) & wire, module


def test_only_the_codec_imports_smpplib():
    users = {name for name in FILES if any(within(known, "smpplib") for known in imports(name))}
    assert users <= {"smsgw.smpp.codec"}


def test_only_the_engine_knows_sqlite():
    """Who asks the store must not see which one it is: neither its library nor its rooms."""
    for module in FILES:
        if not within(module, "smsgw.store.sqlite"):
            libraries = {"sqlite3", "_sqlite3", "pysqlite3", "sqlite_utils"}
            known = {name for name in imports(module) for room in libraries if within(name, room)}
            if not within(module, "smsgw.store"):
                known |= {n for n in our_imports(module) if within(n, "smsgw.store.sqlite")}
            assert set() == known, module


def test_only_the_commands_and_the_daemon_know_the_wiring():
    for module in FILES:
        if not any(within(module, room) for room in WIRING):
            known = {name for name in our_imports(module) for room in WIRING if within(name, room)}
            assert set() == known, module


def test_simulator_is_used_by_commands_only():
    """It is an SMSC: it speaks to the daemon over TCP, and shares with it only the wire format."""
    for module in FILES:
        if not within(module, "smsgw.cli") and not within(module, "smsgw.simulator"):
            assert not any(within(name, "smsgw.simulator") for name in imports(module)), module
    below = {"smsgw.smpp", "smsgw.model", "smsgw.errors", "smsgw.clock", "smsgw.simulator"}
    for module in in_room("smsgw.simulator"):
        strangers = {
            name for name in our_imports(module) if not any(within(name, room) for room in below)
        }
        assert set() == strangers, module


PURE = ("smsgw.registration", "smsgw.smpp")
IMPURE = {
    *("asyncio", "io", "multiprocessing", "os", "pathlib", "random", "schedule", "secrets"),
    *(
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "pysqlite3",
        "sqlite_utils",
        "ssl",
        "subprocess",
    ),
    *("tempfile", "threading", "time", "smsgw.clock"),
}


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_have_no_input_output_clock_or_randomness(room):
    for module in in_room(room):
        assert set() == imports(module) & IMPURE, module


CLOCK_CALLS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime"),
}


def test_only_the_clock_asks_the_system_for_the_date():
    askers = {
        f"{module}:{node.lineno} {called}"
        for module in FILES
        if module != "smsgw.clock"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute)
        for called in [ast.unparse(node).removeprefix("datetime.datetime.")]
        if ".".join(called.split(".")[-2:]) in CLOCK_CALLS
    }
    askers |= {
        f"{module} imports {alias.name} of time"
        for module in FILES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if f"time.{alias.name}" in CLOCK_CALLS
    }
    assert set() == askers


def statement(*forms):
    """A string that is one of these SQL statements, after comments."""
    return re.compile(rf"\s*(?:--[^\n]*\n\s*)*(?:{'|'.join(forms)})", re.DOTALL | re.IGNORECASE)


DATA = statement(
    r"SELECT\b.*\bFROM\b",
    r"WITH\b.*\bAS\s*\(",
    r"UPDATE\s.*\bSET\b",
    r"DELETE\s+FROM\b",
    r"(?:INSERT|REPLACE)\s.*\bINTO\b",
    r"ALTER\s+TABLE\b",
    r"(?:CREATE|DROP)\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|TRIGGER|VIEW)\b",
)
CONNECTION = statement(r"PRAGMA\s+\w", r"BEGIN\s+\w", r"(?:BEGIN|COMMIT|ROLLBACK)\s*$", r"VACUUM\b")


def strings(module):
    """Strings of *module* that are not docstrings, with their lines."""
    prose = {
        id(node.value)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield f"{module}:{node.lineno} {node.value.strip()[:40]}", node.value


@pytest.mark.parametrize(
    ("statements", "homes"),
    [
        (DATA, ("smsgw.store.sqlite.sql", "smsgw.store.sqlite.schema")),
        (CONNECTION, ("smsgw.store.sqlite",)),
    ],
    ids=["statements on tables", "statements on the connection"],
)
def test_sql_stands_in_one_place(statements, homes):
    elsewhere = {
        where
        for module in FILES
        if not any(within(module, home) for home in homes)
        for where, text in strings(module)
        if statements.match(text)
    }
    assert set() == elsewhere


def test_every_import_is_declared():
    """What the package imports at its top level is in pyproject.toml, and nothing else is."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    [block] = re.findall(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    declared = {name.lower().replace("-", "_") for name in re.findall(r'"([\w-]+)', block)}
    declared = {{"argon2_cffi": "argon2"}.get(name, name) for name in declared}
    used = {name.split(".")[0] for module in FILES for name in imports(module)}
    # pydantic_core is pydantic's own; prometheus_client is an extra; tzdata is data, for zoneinfo.
    third_party = used - sys.stdlib_module_names - {"smsgw", "pydantic_core", "prometheus_client"}
    assert declared - {"tzdata"} == third_party


def test_no_module_is_imported_in_a_circle():
    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for known in imports(module, for_types_too=False):
                name = known if known in FILES else f"{known}.__init__"
                if name in FILES and name != module:
                    visit(name, [*path, module])
            done.add(module)

    done = set()
    for module in FILES:
        visit(module, [])
