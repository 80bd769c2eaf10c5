"""Who may know whom: reads the imports of the package and keeps the house in order.

Imports point downward only. A new import that fails here is a question about the shape of the
code, not about this file.
"""

import ast
import re
import sys
import zipfile

import pytest
from flit_core.wheel import make_wheel_in

from tools.architecture import PAGE, drawn
from tools.imports import FILES, ROOT, imports, in_room, our_imports, rooms, tree, within

WORDS = {"model", "errors", "clock"}
#: What is decided and stored: one room, once the package `gateway/` stands.
GATEWAY = {"gateway", "reseal"}
BELOW_THE_GATEWAY = {
    *("carriers", "config", "datakeys", "happenings", "harmless", "limits", "logs", "passwords"),
    *("phone", "records", "registration", "smpp", "store", "vault"),
}
#: Room -> what of our own it may import from elsewhere: whole rooms, or one module of a room.
MAY_KNOW = {
    # Words and single things of the outside: they know nobody.
    "model": set(),
    "errors": set(),
    "clock": set(),
    "happenings": {"model"},
    "harmless": set(),
    "tuning": set(),
    "hardening": set(),
    "speech": set(),
    "words": {"speech"},
    "records": set(),
    "carriers": set(),
    "histogram": set(),
    "database": set(),
    "limits": set(),
    "turns": set(),
    "systemd_notify": set(),
    "suspects": WORDS,
    "worker": WORDS,
    "jobs": WORDS,
    "asking": WORDS,
    "control": WORDS | {"asking"},
    "phone": WORDS,
    "passwords": WORDS | {"tuning"},
    "vault": WORDS,
    "logs": WORDS | {"harmless", "systemd_notify", "tuning"},
    # Pure.
    "registration": WORDS | {"phone", "smpp.alphabets"},
    "smpp": WORDS,
    "health": WORDS | {"words"},
    "heartbeat": WORDS | {"config"},
    "config": WORDS | {"database", "harmless", "phone", "registration", "smpp.alphabets"},
    # The store and what stands on it.
    "store": WORDS | {"database", "happenings", "tuning"},
    "datakeys": WORDS | {"vault"},
    "census": WORDS | {"store"},
    "leases": WORDS | {"store"},
    "copies": WORDS | {"datakeys", "store"},
    **dict.fromkeys(GATEWAY, WORDS | GATEWAY | BELOW_THE_GATEWAY),
    # The event loop.
    "desk": WORDS | {"gateway", "histogram", "passwords", "store", "turns", "worker"},
    "links": WORDS
    | {"config", "desk", "gateway", "histogram", "leases", "logs", "smpp", "store", "suspects"}
    | {"worker"},
    "upkeep": WORDS
    | {"config", "copies", "desk", "gateway", "heartbeat", "jobs", "links", "passwords", "store"}
    | {"tuning", "worker"},
    "metrics": WORDS | {"health", "histogram"},
    "overview": WORDS
    | {"carriers", "census", "config", "database", "health", "limits", "store", "words"},
    "pulse": WORDS | {"desk", "gateway", "store", "worker"},
    "herald": {"health", "systemd_notify"},
    "monitor": WORDS
    | {"census", "config", "desk", "health", "links", "metrics", "overview", "passwords", "pulse"}
    | {"store", "worker"},
    "reload": WORDS | {"config", "store", "systemd_notify"},
    "followers": WORDS
    | {"config", "gateway", "links", "logs", "monitor", "overview", "passwords", "reload", "store"}
    | {"neighbours", "upkeep", "worker"},
    "neighbours": WORDS | {"config", "desk", "gateway", "overview", "store", "worker"},
    "opening": WORDS
    | {"config", "copies", "database", "store", "systemd_notify", "vault", "worker"},
    "verbs": WORDS
    | GATEWAY
    | {"asking", "control", "desk", "links", "monitor", "passwords", "pulse", "records", "reload"}
    | {"store", "worker"},
    # The citizens' pages.
    "portal": WORDS
    | {"config", "database", "gateway", "hardening", "health", "metrics", "passwords"}
    | {"registration"}
    | {"records", "store", "systemd_notify", "tuning", "vault", "worker"},
    # An SMSC, and a play with one: they share with the daemon only the wire format.
    "simulator": WORDS | {"smpp"},
    "demo": WORDS | {"harmless", "simulator", "smpp.statuses"},
}
#: The only ones that know everybody.
WIRING = ("smsgw.cli", "smsgw.daemon", "smsgw.__main__")


def test_every_room_has_its_rule():
    assert set() == set(rooms()) - set(MAY_KNOW) - {room.partition(".")[2] for room in WIRING}


@pytest.mark.parametrize("room", sorted(MAY_KNOW))
def test_room_knows_only_what_lies_below_it(room):
    allowed = [f"smsgw.{name}" for name in (room, *MAY_KNOW[room])]
    strangers = {
        f"{module} imports {known}"
        for module in in_room(f"smsgw.{room}")
        for known in our_imports(module)
        if not any(within(known, name) for name in allowed)
    }
    assert set() == strangers


def test_gateway_never_sees_a_pdu():
    wire = {"smsgw.smpp.pdu", "smsgw.smpp.codec", "smsgw.smpp.session"}
    for module in [*in_room("smsgw.gateway"), *in_room("smsgw.desk")]:
        assert set() == imports(module) & wire, module


def test_the_gateway_is_entered_by_its_door():
    for module in FILES:
        if not within(module, "smsgw.gateway"):
            inner = {name for name in our_imports(module) if name.startswith("smsgw.gateway.")}
            assert set() == inner, module


def test_only_the_codec_imports_smpplib():
    users = {name for name in FILES if any(within(known, "smpplib") for known in imports(name))}
    assert {"smsgw.smpp.codec.writing"} == users


#: What the portal needs shortly, it keeps in either.
LIBRARIES = {
    "smsgw.store.sqlite": ("sqlite3", "_sqlite3", "pysqlite3", "sqlite_utils"),
    "smsgw.store.postgres": ("psycopg",),
}
SHORT = "smsgw.portal.short"
HOMES = (*LIBRARIES, SHORT)
#: Of an engine, where statements on tables stand.
TABLE_ROOMS = ("sql", "schema", "schema_nodes", "schema_portal", "schema_short")


@pytest.mark.parametrize("engine", LIBRARIES)
def test_only_the_engine_knows_its_database(engine):
    """Who asks the store must not see which one it is: neither its library nor its rooms."""
    for module in FILES:
        if not any(within(module, home) for home in (engine, SHORT)):
            rooms = LIBRARIES[engine]
            known = {name for name in imports(module) for room in rooms if within(name, room)}
            if not within(module, "smsgw.store"):
                known |= {name for name in our_imports(module) if within(name, engine)}
            assert set() == known, module


def test_only_the_commands_and_the_daemon_know_the_wiring():
    for module in FILES:
        if not any(within(module, room) for room in WIRING):
            known = {name for name in our_imports(module) for room in WIRING if within(name, room)}
            assert set() == known, module


def test_simulator_is_used_by_commands_and_the_demo_only():
    """It is an SMSC: it speaks to the daemon over TCP, and shares with it only the wire format."""
    users = ("smsgw.cli", "smsgw.demo", "smsgw.simulator")
    for module in FILES:
        if not any(within(module, room) for room in users):
            assert not any(within(name, "smsgw.simulator") for name in imports(module)), module


FOR_SPEED = (
    *("setswitchinterval", "set_threshold", "freeze", "mallopt"),
    *("_srcfile", "logThreads", "sqlite3_config"),
)


def test_what_is_asked_of_others_for_speed_stands_in_one_room():
    askers = {
        f"{module}:{node.lineno} {node.attr}"
        for module in FILES
        if module != "smsgw.tuning"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr in FOR_SPEED
    }
    assert set() == askers
    assert {"smsgw.tuning"} == {name for name in FILES if "gc" in imports(name)}


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
        (
            DATA,
            (
                *(f"{engine}.{room}" for engine in LIBRARIES for room in TABLE_ROOMS),
                "smsgw.store.verbs.sql",
                f"{SHORT}.sql",
            ),
        ),
        (CONNECTION, HOMES),
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


def test_only_the_command_line_names_its_commands():
    """Elsewhere the same words are read in a log, an answer to a program, a page."""
    named = {
        where
        for module in FILES
        if not any(within(module, room) for room in ("smsgw.cli", "smsgw.demo", "smsgw.simulator"))
        for where, text in strings(module)
        if re.search(r"`(sudo )?smsgw [a-z]", text)
        # The reason of a held text is stored: whoever reads it is at the command line.
        and "outbox retry" not in text
    }
    assert set() == named


EXTRAS = {"prometheus_client", "psycopg", "h11", "jinja2", "joserfc", "starlette", "uvicorn"}


def test_every_import_is_declared():
    """What the package imports at its top level is in pyproject.toml, and nothing else is."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    [block] = re.findall(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    declared = {name.lower().replace("-", "_") for name in re.findall(r'"([\w-]+)', block)}
    declared = {{"argon2_cffi": "argon2"}.get(name, name) for name in declared}
    used = {name.split(".")[0] for module in FILES for name in imports(module)}
    # pydantic_core is pydantic's own; tzdata is data, for zoneinfo.
    third_party = used - sys.stdlib_module_names - {"smsgw", "pydantic_core", *EXTRAS}
    assert declared - {"tzdata"} == third_party


#: Who imports whom for its types alone, in a circle. To be emptied with the package `gateway/`.
CIRCLES: set[tuple[str, str]] = set()


def test_no_module_is_imported_in_a_circle():
    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for known in our_imports(module):
                name = known if known in FILES else f"{known}.__init__"
                if name in FILES and name != module and (module, name) not in CIRCLES:
                    visit(name, [*path, module])
            done.add(module)

    done = set()
    for module in FILES:
        visit(module, [])


def test_nothing_of_the_product_knows_the_tools_of_the_project():
    """They stand beside the package, and are not installed with it."""
    known = {name: imports(name) for name in FILES}
    assert set() == {name for name in FILES if any(within(other, "tools") for other in known[name])}


def test_the_wheel_holds_the_package_alone(tmp_path):
    wheel = make_wheel_in(ROOT / "pyproject.toml", tmp_path)
    with zipfile.ZipFile(wheel.file) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {"smsgw"} == {top for top in tops if not top.endswith(".dist-info")}


def test_diagram_shows_the_imports_as_they_are():
    page = PAGE.read_text("utf-8")
    assert drawn(page) == page, "run: python -m tools.architecture"
