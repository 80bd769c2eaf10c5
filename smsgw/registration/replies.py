"""Reply templates -> texts of one SMS each.

A template is a text in which `{0}` stands for the user name and `{1}` for the password, as in
`str.format`; a literal brace is doubled. Knows no account and no link.
"""

from string import Formatter

from smsgw.model import Reply
from smsgw.smpp import alphabets

MAX_SEPTETS = 160  #: one SMS in the GSM 03.38 default alphabet
MAX_USERNAME = 12  #: characters; a user name is a CMND

#: Which texts tell the citizen user name and password. The others have nothing to fill in.
TELLS_PASSWORD = frozenset({Reply.REGISTERED, Reply.REMINDER})


def templates(messages: object) -> dict[Reply, str]:
    """The configured template of each reply.

    Args:
        messages: has a template without `fault` for each `Reply`, by its value.
    """
    return {reply: getattr(messages, reply.value) for reply in Reply}


def fault(reply: Reply, template: str, password_length: int) -> tuple[str, str] | None:
    """Why *template* cannot be used for *reply*, and what to do; None if it always fits one SMS."""
    tells_password = reply in TELLS_PASSWORD
    expected = {"{0}", "{1}"} if tells_password else set()
    meaning = "{0} is the user name, {1} the password" if tells_password else "write plain text"
    try:
        parsed = [field[1:] for field in Formatter().parse(template) if field[1] is not None]
    except ValueError:
        return "has a brace without its other half", "a literal brace is written twice: {{ }}"
    fields = {f"{{{name}}}" if not (spec or how) else "{…}" for name, spec, how in parsed}
    if strange := sorted(fields - expected):
        return f"has {', '.join(strange)}, for which there is no value", meaning
    if missing := sorted(expected - fields):
        return f"lacks {' and '.join(missing)}", meaning
    if not template.strip():
        return "is empty", "write what the citizen shall read"

    longest = template.format("0" * MAX_USERNAME, "a" * password_length)
    length = alphabets.septets(longest)
    if length is None:
        foreign = {character for character in longest if alphabets.septets(character) is None}
        return (
            f"is not in the GSM 03.38 default alphabet: {' '.join(sorted(map(repr, foreign)))}",
            "write Vietnamese without diacritics",
        )
    if length > MAX_SEPTETS:
        values = f" with {MAX_USERNAME} digits for {{0}} and {password_length} characters for {{1}}"
        return (
            f"has {length} septets{values * tells_password}, one SMS holds {MAX_SEPTETS}",
            "shorten the text" + " or registration.password_length" * tells_password,
        )
    return None


def can_be_written(template: str, alphabet: alphabets.Alphabet) -> bool:
    """Whether a *template* without `fault` has only characters of *alphabet*."""
    if alphabet is alphabets.Alphabet.GSM7:
        return True
    return len(template.encode(alphabet, "ignore")) == len(template)
