"""Our own wording in what comes in: a reply that was forwarded or quoted, whole or cut.

Such a text is no citizen's, and what looks like a password in it must not be kept. Texts are
compared by their letters and digits alone, so that case, diacritics, blanks and line breaks do
not matter. Pure; takes linear time, and looks at the first `MAX_CHARACTERS` of a text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from string import Formatter

MASK = "********"
#: What a text is looked at for; of a longer one, no more is kept.
MAX_CHARACTERS = 2000
CUT_OFF = " [...]"
#: So many letters in a row that are also in a text of ours are no accident. It is more than the
#: name of the service has ("he thong Chinh quyen dien tu"), which a citizen may write as well.
_IN_A_ROW = 24
_HALF = _IN_A_ROW // 2
#: A shorter wording is ours where it is the whole text.
_SHORTEST = 12
#: So many letters beside a password or user name tell which of our texts it stands in.
_BESIDE = 6
_FEWEST_BESIDE = 4
_USERNAME = "[0-9]{9}(?:[0-9]{3})?"
_PASSWORD = "[0-9a-z]{8,16}"  # noqa: S105 - whole, in whatever case
_PIECE = "[0-9a-z]{1,16}"  # or what a cut left of it
# Letters and digits that passwords are drawn from (a test compares), eight or more of them.
_LIKE_A_PASSWORD = re.compile("[a-hjkmnp-z2-9]{8,}")
_NEVER = "(?!)"


class _Letters(dict[int, str]):
    """What is left of one character, for `str.translate`. Rare ones are worked out each time,
    since a table that learns them could be made to grow by whoever sends texts."""

    def __missing__(self, code: int) -> str:
        apart = unicodedata.normalize("NFKD", chr(code)).lower().replace("đ", "d")
        return "".join(char for char in apart if char.isascii() and char.isalnum())


_LETTERS = _Letters()
_LETTERS.update(
    {code: _LETTERS[code] for span in (range(0x250), range(0x1E00, 0x1F00)) for code in span}
)


class OwnWording:
    """Knows our texts wherever they are quoted.

    Args:
        templates: with `{0}` for the user name and `{1}` for the password, as in `str.format`.
    """

    def __init__(self, templates: Iterable[str]) -> None:
        self._runs: set[str] = set()  # each _IN_A_ROW letters of ours
        self._halves: set[str] = set()  # and each half as many
        self._whole: set[str] = set()  # what is ours where it is all that a text says
        self._words: set[str] = set()
        self._names: set[str] = set()  # words behind which a password stands
        tells, before, behind = set(), set(), set()
        for template in templates:
            self._words.update(letters(word) for word in re.split(r"\{[^}]*\}|\W+", template))
            for words, field, after in _pieces(template):
                literal, rest = letters(words), letters(after)
                self._runs.update(_runs(literal, _IN_A_ROW))
                self._halves.update(_runs(literal, _HALF))
                if len(literal) >= _SHORTEST:
                    self._whole.add(literal)
                beside = literal[-_BESIDE:], rest[:_BESIDE]
                if field is not None and len("".join(beside)) >= _FEWEST_BESIDE:
                    tells.add(beside[0] + (_USERNAME if field == "0" else _PASSWORD) + beside[1])
                if field == "1":
                    before.add(beside[0])
                    behind.add(beside[1])
                    self._names.update(letters(word) for word in re.findall(r"\w+", words)[-1:])
        self._tells = re.compile(_any_of(tells))
        heads, tails = _any_of(before), _any_of(behind)
        self._behind_its_name = re.compile(f"(?:{heads})({_PIECE}?)(?=$|{tails})")
        self._before_the_rest = re.compile(f"({_PIECE})(?={tails})")

    def holds(self, text: str | None) -> bool:
        """Whether *text* quotes one of our texts."""
        if text is None:
            return False
        found = letters(text)
        if found in self._whole or self._tells.search(found):
            return True
        # Wherever a run begins, one of these halves is within it; most texts have none.
        step = _IN_A_ROW - _HALF + 1
        if self._halves.isdisjoint(_runs(found, _HALF, step)):
            return False
        return not self._runs.isdisjoint(_runs(found, _IN_A_ROW))

    def mask(self, text: str) -> str:
        """*text* with a mask where a password of ours may stand; as it is, if it quotes nothing
        of ours.

        Masks too much rather than too little: what stands where our wording has the password, also
        a piece of it, and each word that could be one.
        """
        if not self.holds(text):
            return text
        shown = text[:MAX_CHARACTERS]
        hidden = self._by_place(shown) + self._by_word(shown)
        return _hide(shown, hidden) + (CUT_OFF if len(text) > MAX_CHARACTERS else "")

    def _by_place(self, text: str) -> list[tuple[int, int]]:
        """Where *text* has what our wording has the password beside."""
        places = [place for place, char in enumerate(text) for _ in letters(char)]
        found = letters(text)
        spans = [match.span(1) for match in self._behind_its_name.finditer(found)]
        ends = {end for _, end in spans}
        # Its name was cut off, or is not ours.
        others = (match.span(1) for match in self._before_the_rest.finditer(found))
        spans += [span for span in others if span[1] not in ends]
        return [(places[start], places[end - 1] + 1) for start, end in spans]

    def _by_word(self, text: str) -> list[tuple[int, int]]:
        """Words of *text* that look like a password, or stand where one does."""
        spans, before = [], ""
        for word in re.finditer(r"\w+", text):
            plain = letters(word[0])
            looks = _LIKE_A_PASSWORD.fullmatch(plain) and not plain.isdigit()
            if plain not in self._words and (looks or before in self._names):
                spans.append(word.span())
            before = plain
        return spans


def letters(text: str) -> str:
    """The letters and digits of the beginning of *text*: lower case, without diacritics."""
    return text[:MAX_CHARACTERS].translate(_LETTERS)


def _pieces(template: str) -> Iterator[tuple[str, str | None, str]]:
    """(words, the field behind them or None, the words behind that) of a template."""
    pieces = list(Formatter().parse(template))
    for number, (words, field, _, _) in enumerate(pieces):
        yield words, field, pieces[number + 1][0] if number + 1 < len(pieces) else ""


def _runs(literal: str, length: int, step: int = 1) -> Iterator[str]:
    return (literal[n : n + length] for n in range(0, len(literal) - length + 1, step))


def _any_of(patterns: set[str]) -> str:
    """A pattern for any of these, the longest first; the empty one says nothing."""
    return "|".join(sorted(filter(None, patterns), key=len, reverse=True)) or _NEVER


def _hide(text: str, spans: list[tuple[int, int]]) -> str:
    """*text* with one mask for each group of spans that meet."""
    shown: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start > end or not shown:
            shown += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*shown, text[end:]])
