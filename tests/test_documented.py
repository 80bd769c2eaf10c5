"""Whatever can be typed, set, measured or rung has its documentation, by its full name.

The pages are docs/*.md and the manual, as a reader sees it. What an alarm's words must hold is
asked in test_alerts.py, what a man page must in test_manpages.py.
"""

import re
import urllib.request
from pathlib import Path

import click
import pytest

from smsgw.cli.main import smsgw as command_line
from smsgw.logs import FORMATS, LEVELS
from smsgw.simulator import playbook
from tests.test_alerts import ALARMS
from tests.test_manpages import plain
from tools import manpages
from tools.reference import tables

ROOT = Path(__file__).parents[1]
MANUAL = {name.rpartition(".")[0]: plain(page) for name, page in manpages.pages().items()}
DOCS = {path.name: path.read_text("utf-8") for path in sorted(ROOT.glob("docs/*.md"))}
EVERYTHING = "\n".join([*MANUAL.values(), *DOCS.values()])


def stands_in(text, name):
    """Whether *name* stands in *text*, and not only as a part of another name."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text)


def every_command(command=command_line, path="smsgw"):
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(None):
            yield from every_command(command.get_command(None, name), f"{path} {name}")


COMMANDS = dict(every_command())
OPTIONS = [
    (path, option)
    for path, command in COMMANDS.items()
    for param in command.get_params(click.Context(command, info_name=path))
    if isinstance(param, click.Option)
    for option in (*param.opts, *param.secondary_opts)
]
KEYS = [f"{name}.{key}" for name, model, _ in tables() for key in model.model_fields]


@pytest.mark.parametrize("path", COMMANDS)
def test_command_is_documented(path):
    assert path.replace(" ", "-") in MANUAL
    if not isinstance(COMMANDS[path], click.Group):
        assert stands_in(DOCS["commands.md"], path), (
            "add its block, and run: python -m tools.commands"
        )


@pytest.mark.parametrize(("path", "option"), OPTIONS)
def test_option_is_documented_with_its_command(path, option):
    assert stands_in(MANUAL[path.replace(" ", "-")], option)


@pytest.mark.parametrize("key", KEYS)
def test_key_is_documented(key):
    assert stands_in(EVERYTHING, key)


@pytest.mark.parametrize("page", sorted(DOCS.keys() - {"architecture.md"}))  # it names code
def test_key_that_a_page_names_exists(page):
    names = "|".join({key.partition(".")[0] for key in KEYS})
    assert set() == set(re.findall(rf"`((?:{names})\.[a-z_]+)`", DOCS[page])) - set(KEYS)


@pytest.mark.parametrize("value", [*LEVELS, *FORMATS])
def test_choice_of_the_log_is_documented(value):
    assert stands_in(DOCS["configuration.md"], f'"{value}"')


@pytest.mark.parametrize("alarm", ALARMS)
def test_alarm_is_documented(alarm):
    assert stands_in(DOCS["runbook.md"], alarm)


def test_every_metric_is_documented_and_no_other(smsc, config_file, daemon, free_port):
    config = config_file(smsc, metrics={"listen": f"127.0.0.1:{free_port}"})
    child = daemon(config, smsc)
    playbook.play(smsc, "stray-octets 84905123456 TK")[0].answer()

    def measured():
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=10) as page:
            text = page.read().decode()
        return "smsgw_link_oddities_total" in text and text

    page = child.until(measured, what="an oddity in the metrics")
    names = re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE)
    table = re.findall(r"^\| `(smsgw_\w+)` \|", DOCS["runbook.md"], re.MULTILINE)
    assert sorted(names) == sorted(table)
