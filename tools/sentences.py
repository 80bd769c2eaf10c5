"""What people read of the hotline's commands, gathered from the code: the catalogue's messages.

Five kinds: what `say`, `say_many` and `mark` name; words of things (headings, states, what a
refusal says); help texts; faults, whose f-strings become formats; and what the database holds ready
made. A catalogue has a translation of each, and of nothing else.
"""

import ast
import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import NamedTuple

import click

from smsgw import errors
from smsgw.cli import screen, story, views
from smsgw.cli.helping import paragraphs, sentence_of
from smsgw.cli.main import smsgw
from smsgw.cli.options import TIMES
from smsgw.cli.refusals import REMEDIES
from smsgw.cli.tables import View
from smsgw.gateway import trial
from smsgw.model import AccountState, Ignored, LinkState, MtState, Outcome
from smsgw.registration import own_password
from tools.commands import commands
from tools.imports import ROOT

#: What the hotline calls. Other commands are the sysadmin's, and speak English.
HOTLINES = ("accounts", "audit", "messages", "outbox", "links", "status", "try")
#: Modules whose faults the hotline gets to see.
_FAULTS_OF = (
    "asking.py",
    "cli/*.py",
    "config/file.py",
    "control.py",
    "datakeys.py",
    "gateway/*.py",
    "health.py",
    "registration/syntax.py",
    "store/sqlite/*.py",
    "vault.py",
)
_NOT_THE_HOTLINES = {
    "cli/clients.py",
    "cli/completion.py",
    "cli/demo.py",
    "cli/links_test.py",
    "cli/portal.py",
    "cli/reload.py",
    "cli/smsc.py",
    "cli/upkeep.py",
}
#: Calls that take what somebody reads: how many of their arguments.
_FAULTS = {
    "BadParameter": 1,
    "Fault": 0,
    "KeyFault": 2,
    "Problem": 2,
    "SmsgwError": 2,
    "SyntaxFault": 1,
    "Unavailable": 2,
    "UsageError": 1,
}
#: Of click; a test looks whether click still says so.
CLICKS = (
    "Usage:",
    "Options",
    "Commands",
    "Show this message and exit.",
    "default: {default}",
    "env var: {var}",
    "required",
    "Missing command.",
    "Missing argument",
    "Missing option",
    "Missing parameter",
    "No such option {name!r}.",
    "No such command {name!r}.",
    "Invalid value: {message}",
    "Invalid value for {param_hint}: {message}",
    "Option {name!r} requires an argument.",
    "Option {name!r} does not take a value.",
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "Repeat for confirmation",
    "Error: The two entered values do not match.",
)
CLICKS_MANY = (
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)
#: What the database, the daemon or the system says, put together where no call shows it whole.
READY_MADE = (
    TIMES,
    "its password has lapsed",
    "its password was replaced",
    "cancelled by {actor}",
    "given up after 24 hours",
    "last: {last}",
    "held: the SMSC did not answer {unanswered} tries ({reason})",
    "`smsgw outbox retry` or a new bind of the link sends it",
    "name from {old} to {new}",
    "date of birth from {old} to {new}",
    "link from {old} to {new}",
    "reserved for {phone} until {until}",
    "never used, and registered before {day}",
    "{n} texts in a row were not delivered",
    "{n} more text within the hour, only counted",
    "a text of this number came by link {link}",
    "no reminder may go to this number ({why})",
    "a new issued password",
    "the CMND or the phone has an account",
    "phone and CMND have an account together: {cmnd} of {phone}",
    "the CMND has an account, with the phone {phone}",
    "the phone has an account, with the CMND {cmnd}",
    "the CMND is reserved for {phone} until {until}",
    "the daemon is not running",
    "{n} text held",
    "{n} texts held",
    "{problem}: see `smsgw outbox list`",
    "link {name} is {state}: {reason}",
    "{file} cannot be read: its disk does not answer",
    "never started",
    "not bound",
    "not in the configuration",
    "by {who}, {day} {time}: {reason}",
    "by {who}, {day} {time}",
    "the SMSC closed the connection",
    "no answer from {peer} within {seconds} s",
    "the gateway stops",
    "the carrier refuses our short code {code}, {status}. Check source_ton and source_npi of"
    " [[smsc]] {name}, and ask the carrier",
    "connection refused by {where}",
    "connection reset by {where}",
    "no answer from {where}: the line is dead",
    "host name {host} cannot be resolved ({error})",
    "there is no configuration at {place} or {place2}",
    "Permission denied",
    "No such file or directory",
    "No space left on device",
    "Read-only file system",
)


#: Refusals that only the city's programs and the sysadmin meet.
_OTHERS = (
    errors.ClientExists,
    errors.ClientRevoked,
    errors.CursorTooOld,
    errors.MustChange,
    errors.NoClient,
    errors.NoProfile,
    errors.NoSuchCursor,
    errors.NotTheVersion,
    errors.OneSecret,
    errors.SecretReplaced,
    errors.TwoSecrets,
    errors.UnfitClient,
)
_FACT = re.compile(r"\{.*?\}")


class Message(NamedTuple):
    """A text that is to be translated; *more*: of several things."""

    text: str
    more: str = ""
    context: str = ""


def messages() -> list[Message]:
    """All of them, in an order that does not change by itself."""
    found = [
        *_called(),
        *_states(),
        *map(Message, _words()),
        *map(Message, _helps()),
        *map(Message, _faults()),
        *map(Message, READY_MADE),
        *map(Message, CLICKS),
        *(Message(*each) for each in CLICKS_MANY),
    ]
    several = {text for each in found if each.more for text in (each.text, each.more)}
    alone = [each for each in found if each.more or each.text not in several]
    return [each for each in dict.fromkeys(alone) if any(map(str.isalpha, each.text))]


def _trees(patterns: tuple[str, ...]) -> Iterator[ast.Module]:
    for pattern in patterns:
        for path in sorted((ROOT / "smsgw").glob(pattern)):
            if path.relative_to(ROOT / "smsgw").as_posix() not in _NOT_THE_HOTLINES:
                yield ast.parse(path.read_text("utf-8"))


def _calls(patterns: tuple[str, ...]) -> Iterator[tuple[str, ast.Call]]:
    for tree in _trees(patterns):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func).rpartition(".")[2], node


def _called() -> Iterator[Message]:
    """What is named to `say`, `say_many` and `mark` where it stands."""
    for name, call in _calls(("cli/*.py", "words.py")):
        texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
        if name in ("say", "mark") and texts:
            yield Message(str(texts[0]))
        elif name == "say_many" and len(texts) == 2:
            yield Message(str(texts[0]), str(texts[1]))


def _states() -> Iterator[Message]:
    for kind in (AccountState, MtState, Outcome, LinkState, Ignored):
        yield from (Message(str(word), context="state") for word in kind)


def _words() -> Iterator[str]:
    for module in (views, screen):
        for view in vars(module).values():
            if isinstance(view, View) and view not in (views.EXPIRY, views.PURGED):
                yield from (*view.columns, view.empty)
    for words in (story.IGNORED, story.ANSWERED, story.EVENTS, story.BY_HAND, trial.WHY_IGNORED):
        yield from words.values()
    yield from own_password.RULES.values()
    for refusal, remedy in REMEDIES.items():
        if refusal not in _OTHERS:
            yield refusal.WORDS
            yield remedy or ""


def _helps() -> Iterator[str]:
    """The help of the whole, and of each of the hotline's commands and groups."""
    contexts = [context for _, context in commands()]
    groups = [click.Context(smsgw.get_command(contexts[0], n), contexts[0]) for n in HOTLINES]  # type: ignore[arg-type]
    named = [c for c in contexts if c.command_path.partition(" ")[2].split(" ")[0] in HOTLINES]
    for context in (contexts[0], *groups, *named):
        command = context.command
        yield from (p for p in paragraphs(cleandoc(command.help or "")) if p[0] not in "\b ")
        yield from (str(p.help) for p in command.params if getattr(p, "help", None))
    for command in (*(g.command for g in groups), *(c.command for c in named)):
        yield sentence_of(command)
    for name in smsgw.list_commands(contexts[0]):
        found = smsgw.get_command(contexts[0], name)
        yield sentence_of(found) if found else ""


def _faults() -> Iterator[str]:
    for name, call in _calls(_FAULTS_OF):
        for argument in call.args[: _FAULTS.get(name, 0)]:
            text = _format(argument)
            if sum(map(str.isalpha, _FACT.sub("", text))) >= 4:
                yield text


def _format(node: ast.expr) -> str:
    """An f-string as a format, whose facts have the names of what they are made of; or a text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr() if "count(" not in ast.unparse(node):  # READY_MADE has these
            pieces, names = [], list[str]()
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    name = _name(part.value)
                    names.append(name)
                    number = names.count(name)
                    pieces.append("{" + name + (str(number) if number > 1 else "") + "}")
                elif isinstance(part, ast.Constant):
                    pieces.append(str(part.value))
            text = "".join(pieces)
            return (
                text if any(c.isalpha() for c in "".join(p for p in pieces if p[0] != "{")) else ""
            )
        case _:
            return ""


def _name(node: ast.expr) -> str:
    """The last name in an expression: `strerror` of `err.strerror or err`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.BoolOp(values=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Name(id="span")):
            return "span"
        case ast.Call(func=ast.Attribute(attr="join")):
            return "names"
        case ast.Call(args=[first, *_]):
            return _name(first)
        case ast.Subscript(value=value):
            return _name(value)
        case _:
            return "fact"
