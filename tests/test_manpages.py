"""The man pages: whole, and read without a warning by what shows them."""

import re
import shutil
import subprocess

import click
import pytest

from smsgw.cli.main import smsgw
from tools import manpages
from tools.reference import tables

PAGES = manpages.pages()


def every_command(command=smsgw, path="smsgw"):
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(None):
            yield from every_command(command.get_command(None, name), f"{path} {name}")


COMMANDS = dict(every_command())


def plain(page):
    """What a reader sees of it, roughly: the words without the marks of roff."""
    page = re.sub(r"\\f[BR]", "", page)
    for mark, letter in (("\\-", "-"), ("\\(dq", '"'), ("\\(aq", "'"), ("\\(ga", "`")):
        page = page.replace(mark, letter)
    return " ".join(page.replace("\\&", "").split())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_a_page_with_every_option(path):
    page = plain(PAGES[path.replace(" ", "-") + ".1"])
    context = click.Context(COMMANDS[path], info_name=path)
    for param in COMMANDS[path].get_params(context):
        if isinstance(param, click.Option):
            names, meaning = param.get_help_record(context)
            assert names in page
            assert " ".join(meaning.replace("`", "").split()) in page
        else:
            assert param.make_metavar(context) in page


def test_there_are_no_other_pages():
    assert {manpages.TOML, *(path.replace(" ", "-") + ".1" for path in COMMANDS)} == set(PAGES)


@pytest.mark.parametrize("path", COMMANDS)
def test_name_is_the_whole_first_sentence(path):
    sentence = " ".join(COMMANDS[path].help.split("\n\n")[0].split()).rstrip(".").replace("`", "")
    line = PAGES[path.replace(" ", "-") + ".1"].splitlines()[2]
    assert f"{path.replace(' ', '-')} - {sentence}" == plain(line)


def test_every_command_of_a_group_leads_to_its_page():
    for path, command in COMMANDS.items():
        if isinstance(command, click.Group):
            page = plain(PAGES[path.replace(" ", "-") + ".1"])
            for name in command.list_commands(None):
                assert f".BR {path.replace(' ', '-')}-{name} (1)" in page


@pytest.mark.parametrize(
    ("name", "key", "meaning"),
    [
        (name, key, field.description)
        for name, model, _ in tables()
        for key, field in model.model_fields.items()
    ],
)
def test_every_key_is_in_the_page_of_the_configuration(name, key, meaning):
    assert f".TP {name}.{key}" in plain(PAGES[manpages.TOML])
    assert " ".join(meaning.replace("`", "").split()) in plain(PAGES[manpages.TOML])


def test_a_build_can_be_repeated(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert '5 "1970-01-02"' in manpages.pages()[manpages.TOML]


READERS = {
    "mandoc": ["mandoc", "-Tlint", "-Wwarning"],
    "groff": ["groff", "-man", "-ww", "-z", "-Tutf8"],
}


@pytest.mark.parametrize("reader", READERS)
def test_pages_are_read_without_a_warning(tmp_path, reader):
    if not shutil.which(reader):
        pytest.skip(f"{reader} is not installed")
    manpages.write(tmp_path)
    files = sorted(map(str, tmp_path.glob("man?/*")))
    assert len(PAGES) == len(files)
    read = subprocess.run(
        [*READERS[reader], *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (read.returncode, (read.stdout + read.stderr).strip())
