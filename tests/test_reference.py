"""The pages that are drawn from the code are as the code is."""

import tomllib

import pytest

from smsgw import config
from tools import reference

EXAMPLE = next(path for path in reference.PAGES if path.suffix == ".toml")
MODELS = {table: model for table, model, _ in reference.tables()}
KEYS = [(table, key) for table, model in MODELS.items() for key in model.model_fields]


@pytest.mark.parametrize("path", reference.PAGES, ids=lambda path: path.name)
def test_page_is_up_to_date(path):
    drawn = reference.PAGES[path]()
    assert drawn == path.read_text("utf-8"), "run: python -m tools.reference"


def test_example_can_be_used_as_it_is(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert config.load(EXAMPLE, portal=config.Portal.REQUIRED)


def test_example_with_everything_uncommented_names_every_key():
    lines = EXAMPLE.read_text("utf-8").splitlines()
    # What is commented out is a key with its value; remarks are words.
    keys = {key for _, key in KEYS}
    on = [line[2:] if line[2:].split(" = ")[0] in keys else line for line in lines]
    tables = tomllib.loads("\n".join(on))
    named = [(table, key) for table in tables if table != "smsc" for key in tables[table]]
    assert set(KEYS) == {*named, *(("smsc", key) for key in tables["smsc"][0])}


def test_example_gives_the_defaults(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    settings = config.load(EXAMPLE, portal=config.Portal.REQUIRED)
    for table, model in MODELS.items():
        if table not in ("smsc", "portal"):  # these have keys that must be given
            assert model() == getattr(settings, table)
    for given in (settings.smsc[0], settings.portal):
        for key, field in type(given).model_fields.items():
            if not field.is_required() and key not in ("password", "carrier"):
                assert field.default == getattr(given, key)


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_every_key_has_its_line(table, key):
    assert MODELS[table].model_fields[key].description
    assert f"| `{key}` |" in reference.configuration()
