"""Each engine has a statement of each name, with the same parameters; one that all take as it is
stands once."""

import re
from pathlib import Path

import pytest

from smsgw.store.postgres import sql as postgres
from smsgw.store.sqlite import sql as sqlite
from smsgw.store.verbs.names import collected
from smsgw.store.verbs.sql import SHARED

ROOM = Path(sqlite.__file__).parents[2]
#: Of these SQLite binds the values of one row, and PostgreSQL all rows, a column a parameter.
#: Groups that it alone is asked: a server has nodes.
OF_SERVERS = ("leases.", "server.")
NAMED = re.compile(r"(?<!:):([a-z_]+)")


def used():
    """The names that verbs ask for."""
    for file in (ROOM / "verbs").glob("*.py"):
        text = file.read_text()
        if group := re.search(r'^sql = Names\("(\w+)"\)$', text, re.MULTILINE):
            yield from (f"{group[1]}.{name}" for name in re.findall(r"\bsql\.([A-Z_]+)", text))


def parameters(text):
    places = [int(n or 0) for n in re.findall(r"\?(\d*)", text)]
    return set(NAMED.findall(text)), max(places, default=0) or len(places)


def test_verbs_ask_for_what_every_engine_has():
    names = set(used())
    assert names == set(sqlite.STATEMENTS)
    assert names == {n for n in postgres.STATEMENTS if not n.startswith(OF_SERVERS)}


@pytest.mark.parametrize("name", sqlite.STATEMENTS)
def test_parameters_of_a_statement_are_the_same_everywhere(name):
    assert parameters(sqlite.STATEMENTS[name]) == parameters(postgres.STATEMENTS[name])


def own(engine):
    """The names of what an engine says in its own words."""
    rooms = (vars(engine).get(group.__name__.rpartition(".")[2]) for group in SHARED)
    return set(collected(*filter(None, rooms)))


def test_statement_stands_once_for_all_engines_or_once_in_each():
    assert own(sqlite) == own(postgres)
    assert not own(sqlite) & set(collected(*SHARED))
    assert own(sqlite) | set(collected(*SHARED)) == set(sqlite.STATEMENTS)


@pytest.mark.parametrize("name", sorted(own(sqlite)))
def test_words_of_its_own_are_other_words(name):
    assert sqlite.STATEMENTS[name].replace(" + 0", "") != postgres.STATEMENTS[name]
