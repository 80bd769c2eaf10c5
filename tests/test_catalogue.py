"""What is said in another language is whole, and says the same."""

import gettext
import re
import unicodedata
from importlib import import_module
from pathlib import Path

import click
import pytest

from smsgw.speech import DOMAIN, FOLDER, LETTERS
from tools import catalogue, sentences
from tools.sentences import Message

#: Facts that a translation may leave out, as it says them in other words.
LEFT_OUT = {
    "{value!r} is not a valid {number_type}.": {"number_type"},
    "{value!r} is not {choice}.": {"choice"},
}
#: What looks the same in both languages.
SAME = {"CMND", "MO", "MT", "MT/s"}


@pytest.fixture(scope="module", params=LETTERS)
def code(request):
    return request.param


@pytest.fixture(scope="module")
def known(code):
    return catalogue.read(catalogue.path_of(code).read_text("utf-8"))[1]


@pytest.fixture(scope="module")
def wanted():
    return sentences.messages()


def test_every_sentence_is_translated(known, wanted):
    assert [] == [message for message in wanted if not known.get(message)]


def test_no_translation_is_stale(known, wanted):
    assert [] == [message for message in known if message not in set(wanted)]


def test_catalogue_stands_in_the_form_that_the_tool_gives_it(code, wanted):
    path = catalogue.path_of(code)
    head, known = catalogue.read(path.read_text("utf-8"))
    told = catalogue.in_step(wanted, known)
    assert catalogue.written(head, told) == path.read_text("utf-8")
    assert catalogue.compiled(head, told) == path.with_suffix(".mo").read_bytes()


def test_facts_agree(known):
    wrong = []
    for message, text in known.items():
        facts = catalogue.facts(message.text) | catalogue.facts(message.more)
        if catalogue.facts(text) != facts - LEFT_OUT.get(message.text, set()):
            wrong.append((message.text, text))
    assert [] == wrong


def test_every_translation_can_be_filled_in(known):
    class Anything(str):
        __slots__ = ()

        def __format__(self, form):
            return "x"

    for message, text in known.items():
        facts = dict.fromkeys(catalogue.facts(message.text) | catalogue.facts(message.more), "x")
        if facts:
            text.format(**{name: Anything(fact) for name, fact in facts.items()})


def test_translation_ends_and_begins_as_the_sentence_does(known):
    wrong = []
    for message, text in known.items():
        ends = [found[-1] if found[-1] in ".:?" else "" for found in (message.text, text)]
        blanks = [(found[0] == " ", found[-1] == " ") for found in (message.text, text)]
        if ends[0] != ends[1] or blanks[0] != blanks[1]:
            wrong.append((message.text, text))
    assert [] == wrong


def test_names_of_commands_and_options_stay(known):
    names = re.compile(r"`[^`]+`|(?<![\w-])--[a-z-]+|\$[A-Z_]+")
    wrong = [
        (message.text, text)
        for message, text in known.items()
        if set(names.findall(message.text)) != set(names.findall(text))
    ]
    assert [] == wrong


def test_letters_are_whole(known):
    """One character a letter: a table's columns are counted in these."""
    for text in known.values():
        assert unicodedata.normalize("NFC", text) == text


def test_nothing_was_left_in_english(known):
    assert SAME == {m.text for m, text in known.items() if text == m.text}


def test_one_heading_is_not_that_of_another(known):
    from smsgw.cli import screen, views

    for view in (views.ACCOUNTS, views.ACCOUNT, views.AUDIT, views.MESSAGES, views.OUTBOX):
        heads = [known.get(Message(head), head) for head in view.columns]
        assert sorted(set(heads)) == sorted(heads)
    heads = [known.get(Message(head), head) for head in screen.LINKS.columns]
    assert sorted(set(heads)) == sorted(heads)


def test_states_differ(known):
    words = [text for message, text in known.items() if message.context == "state"]
    assert len(set(words)) == len(words)


def test_gettext_reads_it(code):
    found = gettext.translation(DOMAIN, FOLDER, [code])
    assert "0" == found.info()["plural-forms"].rpartition("plural=")[2].rstrip(";")
    assert found.gettext("all is well") != "all is well"
    assert found.ngettext("{n} problem", "{n} problems", 1) == found.ngettext(
        "{n} problem", "{n} problems", 2
    )


def test_click_still_says_so():
    names = ("core", "exceptions", "types", "formatting", "parser", "termui", "decorators")
    files = [import_module(f"click.{name}").__file__ for name in names]
    source = "".join(Path(file).read_text("utf-8") for file in files)
    several = [text for pair in sentences.CLICKS_MANY for text in pair]
    assert [] == [t for t in (*sentences.CLICKS, *several) if f'"{t}"' not in source]


def test_new_sentence_is_noticed(wanted, known):
    told = catalogue.in_step([*wanted, Message("a new sentence")], known)
    assert [Message("a new sentence")] == [message for message, text in told.items() if not text]


@pytest.mark.parametrize(
    "message",
    [
        Message('with "quotes", \\ and\ttabs'),
        Message("{n} text", "{n} texts"),
        Message("issued", context="state"),
        Message("word " * 60),
    ],
    ids=lambda message: message.text[:12],
)
def test_catalogue_can_be_written_and_read(message):
    page = catalogue.written('# head\nmsgid ""\nmsgstr ""', {message: "một " + message.text})
    assert all(len(line) <= 100 for line in page.splitlines())
    assert {message: "một " + message.text} == catalogue.read(page)[1]


def test_help_of_every_command_of_the_hotline_is_looked_up(wanted):
    from smsgw.cli.helping import sentence_of
    from smsgw.cli.main import smsgw

    texts = {message.text for message in wanted}
    context = click.Context(smsgw)
    for name in sentences.HOTLINES:
        assert sentence_of(smsgw.get_command(context, name)) in texts
