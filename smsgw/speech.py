"""What people read, in their language: English, or one of the catalogues in `smsgw/locale/`.

A sentence is written in English where it is made. `say` has it in the language of the command; a
sentence that comes ready-made (a fault's, the daemon's, the database's, all of which speak English)
is known again by `said`. Machines get English: JSON, CSV, the log and the audit never come here.

Nothing is loaded where the language is English.
"""

import gettext
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

DOMAIN = "smsgw"
FOLDER = Path(__file__).parent / "locale"
#: Some of the letters of each language that there is a catalogue for: an output must show them.
LETTERS = {"vi": "ăâđêôơưếệộợự"}
_ENGLISH = ("en", "c", "posix")
#: The text of a fact that is itself a sentence of ours.
_INNER = frozenset(
    ("error", "fault", "last", "problem", "reason", "rule", "strerror", "times", "why")
)
#: A format with fewer letters of its own, and fewer facts, could be anything.
_FEWEST_LETTERS, _MANY_FACTS = 4, 3
#: No sentence of ours has more characters, with its facts; what others write may.
_LONGEST = 2000
#: The context of states in a catalogue: a column may have the same name.
_STATE = "state"
_FACT = re.compile(r"\{([a-z_0-9]+)(?:![rs])?(?::[^{}]*)?\}")


def language(environ: Mapping[str, str]) -> str | None:
    """The language that *environ* asks for, if there is a catalogue for it; None: English.

    LC_ALL, LC_MESSAGES and LANG in this order say the locale, which the system need not have;
    where that is not C, LANGUAGE may list others that are liked better, as gettext has it.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "C")
    if _code(locale) in ("c", "posix"):
        return None
    for wanted in (*environ.get("LANGUAGE", "").split(":"), locale):
        if (code := _code(wanted)) in LETTERS or code in _ENGLISH:
            return code if code in LETTERS else None
    return None


def _code(locale: str) -> str:
    """Such as `vi`, of `vi_VN.UTF-8`."""
    return re.split(r"[_.@]", locale.strip().lower(), maxsplit=1)[0]


class _Catalogue(gettext.GNUTranslations):
    """A catalogue that also knows sentences again whose facts are filled in."""

    _catalog: dict[object, str]

    def known(self, sentence: str) -> str | None:
        """*sentence* in this language; None: it is none of ours."""
        if sentence in self._catalog:
            return self.gettext(sentence)
        for form in self._forms:
            # Most of what lists show is none of ours: to look for a piece of it costs little.
            if form.piece in sentence and (facts := form.facts(sentence)):
                filled = {name: self._fact(name, fact) for name, fact in facts.items()}
                return form.translated.format(**filled)
        return None

    def _fact(self, name: str, fact: str) -> str:
        if name == _STATE:
            return self.pgettext(_STATE, fact)
        return (self.known(fact) or fact) if name in _INNER else fact

    @cached_property
    def _forms(self) -> "list[_Form]":
        """Formats, the most telling first."""
        return sorted(self._telling(), key=lambda form: -sum(map(len, form.texts)))

    def _telling(self) -> "Iterator[_Form]":
        for message, translated in self._catalog.items():
            text = message[0] if isinstance(message, tuple) else str(message)
            parts = _FACT.split(text)
            texts, names = tuple(parts[::2]), tuple(parts[1::2])
            if not names:
                continue
            if not set(_FACT.findall(translated)) <= set(names):
                continue  # of one thing and of many: the facts of the second are not in the first
            letters = sum(map(str.isalpha, "".join(texts)))
            if letters < _FEWEST_LETTERS and len(names) < _MANY_FACTS:
                continue
            yield _Form(texts, names, max(texts, key=len), _FACT.sub(r"{\1}", translated))


class _Form(NamedTuple):
    """A sentence whose facts are to be found in it."""

    texts: tuple[str, ...]  #: before, between and behind the facts
    names: tuple[str, ...]  #: of these
    piece: str  #: the longest of *texts*
    translated: str

    def facts(self, sentence: str) -> dict[str, str] | None:
        """Each as short as it can be, from left to right; None: *sentence* is another.

        Searches once for each text: an expression of several facts takes as long as their number
        is a power of the length, and others write what is searched.
        """
        first, *between, last = self.texts
        if not (sentence.startswith(first) and sentence.endswith(last)):
            return None
        found: dict[str, str] = {}
        at, end = len(first), len(sentence) - len(last)
        for name, text in zip(self.names, (*between, None), strict=True):
            stop = end if text is None else sentence.find(text, at + 1, end)
            fact = sentence[at:stop]
            if stop <= at or found.setdefault(name, fact) != fact:
                return None
            at = stop + len(text or "")
        return found


_spoken: _Catalogue | None = None


def speak(code: str | None) -> None:
    """From now on *code* is spoken, by click's own messages, too; None: English."""
    global _spoken  # noqa: PLW0603 - one process speaks one language at a time
    if code is None:
        if _spoken is not None:
            gettext.textdomain("messages")
        _spoken = None
        return
    with (FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        _spoken = _Catalogue(file)
    gettext.bindtextdomain(DOMAIN, str(FOLDER))
    gettext.textdomain(DOMAIN)


def is_foreign() -> bool:
    """Whether another language than English is spoken."""
    return _spoken is not None


def say(text: str, /, **facts: object) -> str:
    """*text*, a whole sentence or heading, with its *facts*, in the language of the command."""
    text = _spoken.gettext(text) if _spoken and text else text
    return text.format(**facts) if facts else text


def say_many(number: int, one: str, more: str, /, **facts: object) -> str:
    """As `say`, of *number* things, which stands in the text as `n`."""
    if _spoken:
        return _spoken.ngettext(one, more, number).format(n=number, **facts)
    return (one if number == 1 else more).format(n=number or "no", **facts)


def say_state(word: str) -> str:
    """The *word* by which machines know a state or an outcome, as people read it."""
    return _spoken.pgettext(_STATE, word) if _spoken else word


def said(sentence: str) -> str:
    """A *sentence* that comes in English with its facts, in the language of the command."""
    if _spoken is None or not sentence or len(sentence) > _LONGEST:
        return sentence
    if (known := _spoken.known(sentence)) is not None:
        return known
    parts = sentence.split("; ")
    return "; ".join((part and _spoken.known(part)) or part for part in parts)


def mark(text: str) -> str:
    """*text* as it is: `say` gets it later."""
    return text
