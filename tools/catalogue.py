"""Keeps the catalogues in step with the code: `python -m tools.catalogue`.

It reads the messages of `tools.sentences`, writes each catalogue of `smsgw/locale/` anew in their
order (what has no translation yet stands with an empty `msgstr`, what is gone is dropped), and
compiles it. It says what is still to be translated, and ends with 1 then.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from struct import Struct

from smsgw.speech import DOMAIN, FOLDER, LETTERS
from tools.sentences import Message, messages

_WIDTH = 78
_FACT = re.compile(r"\{([a-z_0-9]+)(?:![rs])?\}")

Translations = Mapping[Message, str]


def path_of(code: str) -> Path:
    """The catalogue of a language, as people edit it."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


# --- the form of a catalogue --------------------------------------------------------------------


def read(text: str) -> tuple[str, dict[Message, str]]:
    """The head of a catalogue, with its comments, and its translations."""
    head, _, rest = text.strip().partition("\n\n")
    found = {}
    for block in rest.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith('"'):
                fields[name] += ast.literal_eval(line)
            elif line and not line.startswith("#"):
                name, _, value = line.partition(" ")
                fields[name] = ast.literal_eval(value)
        if "msgid" in fields:
            more, context = fields.get("msgid_plural", ""), fields.get("msgctxt", "")
            message = Message(fields["msgid"], more, context)
            found[message] = fields["msgstr[0]" if message.more else "msgstr"]
    return head, found


def written(head: str, translations: Translations) -> str:
    """The catalogue with that head."""
    return "\n\n".join([head, *map("\n".join, map(_entry, translations.items()))]) + "\n"


def _entry(pair: tuple[Message, str]) -> Iterator[str]:
    message, translated = pair
    if _FACT.search(message.text):
        yield "#, python-brace-format"
    if message.context:
        yield from _field("msgctxt", message.context)
    yield from _field("msgid", message.text)
    if message.more:
        yield from _field("msgid_plural", message.more)
    yield from _field("msgstr[0]" if message.more else "msgstr", translated)


def _field(name: str, text: str) -> Iterator[str]:
    """One field, in several lines where it is long."""
    whole = f"{name} {_quoted(text)}"
    if len(whole) <= _WIDTH:
        yield whole
        return
    yield f'{name} ""'
    line = ""
    for word in re.findall(r"\S*\s*", text):
        if line and len(_quoted(line + word)) > _WIDTH:
            yield _quoted(line)
            line = ""
        line += word
    if line:
        yield _quoted(line)


def _quoted(text: str) -> str:
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(char, escape)
    return f'"{text}"'


# --- compiled -----------------------------------------------------------------------------------

_HEAD = Struct("<7I")
_PLACE = Struct("<2I")
_MAGIC = 0x950412DE


def compiled(head: str, translations: Translations) -> bytes:
    """The catalogue as gettext reads it (GNU gettext manual, "The Format of GNU MO Files")."""
    told = "".join(ast.literal_eval(line) for line in head.splitlines() if line.startswith('"'))
    pairs = [("", told)]
    pairs += [(_key(message), text) for message, text in translations.items() if text]
    entries = sorted((key.encode(), text.encode()) for key, text in pairs)
    keys = _HEAD.size
    texts = keys + len(entries) * _PLACE.size
    at = texts + len(entries) * _PLACE.size
    tables, octets = b"", b""
    for column in zip(*entries, strict=True):
        for each in column:
            tables += _PLACE.pack(len(each), at + len(octets))
            octets += each + b"\0"
    return _HEAD.pack(_MAGIC, 0, len(entries), keys, texts, 0, at) + tables + octets


def _key(message: Message) -> str:
    text = "\0".join(filter(None, (message.text, message.more)))
    return f"{message.context}\x04{text}" if message.context else text


# --- in step ------------------------------------------------------------------------------------


def in_step(found: Sequence[Message], known: Translations) -> dict[Message, str]:
    """A translation for each message, or "" where there is none yet."""
    return {message: known.get(message, "") for message in found}


def facts(text: str) -> set[str]:
    """The names of the facts in a format."""
    return set(_FACT.findall(text))


def main() -> int:
    lacking = 0
    for code in LETTERS:
        path = path_of(code)
        head, known = read(path.read_text("utf-8"))
        translations = in_step(messages(), known)
        path.write_text(written(head, translations), "utf-8")
        path.with_suffix(".mo").write_bytes(compiled(head, translations))
        for message, text in translations.items():
            if not text:
                print(f"{code}: to be translated: {message.text}")
                lacking += 1
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
