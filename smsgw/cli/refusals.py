"""What a person at the command line can do about a refusal.

A refusal knows its facts and names no command (see `errors`); the remedies of this room do.
"""

from collections.abc import Mapping
from typing import Any

from smsgw.errors import (
    AlreadyCancelled,
    Ambiguous,
    ClientExists,
    ClientRevoked,
    Closed,
    Contradiction,
    CursorTooOld,
    MustChange,
    NeverAnswered,
    NeverTexted,
    NoAccount,
    NoClient,
    NoDatabase,
    NoLink,
    NoPhone,
    NoProfile,
    NoReply,
    NoSubject,
    NoSuchCursor,
    NotTheVersion,
    OneSecret,
    OnItsWay,
    PasswordReplaced,
    PasswordWiped,
    Refusal,
    SecretReplaced,
    SmsgwError,
    Stale,
    StillOpen,
    TwoSecrets,
    UnfitClient,
    UnfitPassword,
    UnknownLink,
    WrongKey,
)
from smsgw.speech import said, say

#: Formats of the facts; None: its words say all.
REMEDIES: Mapping[type[Refusal], str | None] = {
    NoAccount: "give a user name (the CMND) or a phone number",
    NoReply: "see `smsgw outbox list`",
    NoLink: None,
    NoDatabase: "has `smsgw run` been started with this configuration?",
    Ambiguous: "write phone:{phone} or cmnd:{cmnd}",
    Closed: "its phone and CMND may register again by text",
    StillOpen: "close it first (`smsgw accounts close`)",
    UnknownLink: "the configuration has {links}",
    Contradiction: "registration.check_personal_number is on",
    Stale: "see `smsgw accounts history`, then try again",
    UnfitPassword: None,
    NoClient: "see `smsgw clients list`",
    ClientExists: "a name is never given twice, not even that of a revoked one; choose another",
    ClientRevoked: "create a new one",
    UnfitClient: None,
    TwoSecrets: "once the client uses the new one, `smsgw clients retire {name}` ends the old one",
    OneSecret: "`smsgw clients rotate {name}` makes another first",
    # Of pages and programs, which say them in their own words:
    SecretReplaced: None,
    MustChange: None,
    NoSubject: None,
    NoProfile: None,
    NotTheVersion: None,
    NoSuchCursor: None,
    CursorTooOld: None,
    NoPhone: "the owner's, in any writing",
    NeverTexted: None,
    NeverAnswered: "reserve it for a phone that is answered",
    PasswordReplaced: "use `smsgw accounts reset-password`",
    PasswordWiped: "use `smsgw accounts reset-password`",
    OnItsWay: "see `smsgw accounts history` for what follows",
    AlreadyCancelled: None,
    WrongKey: "set gateway.secret_key_file, or CREDENTIALS_DIRECTORY, as the service has it",
}


def line(fault: SmsgwError) -> str:
    """*fault* as one line, with what can be done about it; in English, as others keep it."""
    if not isinstance(fault, Refusal):
        return str(fault)
    remedy = REMEDIES.get(type(fault))
    return f"{fault.problem}: {remedy.format(**_facts(fault))}" if remedy else fault.problem


def told(fault: SmsgwError) -> str:
    """As `line`, in the language of the command."""
    if not isinstance(fault, Refusal):
        whole = str(fault)
        if fault.remedy is None or whole != f"{fault.problem}: {fault.remedy}":
            return said(whole)
        return f"{said(fault.problem)}: {said(fault.remedy)}"
    facts = _facts(fault)
    # A fact may be a sentence, such as the rule that a password breaks.
    facts |= {name: said(fact) for name, fact in facts.items() if name in ("why", "rule")}
    problem = say(fault.WORDS, **facts)
    remedy = REMEDIES.get(type(fault))
    return f"{problem}: {say(remedy, **facts)}" if remedy else problem


def _facts(refusal: Refusal) -> dict[str, Any]:
    return {k: ", ".join(v) if isinstance(v, list) else v for k, v in refusal.facts.items()}
