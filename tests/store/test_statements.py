"""Each engine has a statement of each name, with the same parameters."""

import re
from pathlib import Path

import pytest

from smsgw.store.postgres import sql as postgres
from smsgw.store.sqlite import sql as sqlite

ROOM = Path(sqlite.__file__).parents[2]
#: Of these SQLite binds the values of one row, and PostgreSQL all rows, a column a parameter.
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
    assert names == {n for n in postgres.STATEMENTS if not n.startswith("server.")}


@pytest.mark.parametrize("name", sqlite.STATEMENTS)
def test_parameters_of_a_statement_are_the_same_everywhere(name):
    assert parameters(sqlite.STATEMENTS[name]) == parameters(postgres.STATEMENTS[name])
