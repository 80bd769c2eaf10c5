"""A request of a client for a citizen: what may stand in it, and what is wrong with it. Pure.

Sources: RFC 6749, section 4.1.1; RFC 7636, section 4.3; OpenID Connect Core 1.0, section 3.1.2.1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from smsgw.gateway import INTERFACE_SCOPES, Pkce, Scope
from smsgw.store import ClientRow

MOST_STATE_OCTETS = 2048
MOST_NONCE_OCTETS = 512

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_USERNAME = re.compile(r"[0-9]{9}|[0-9]{12}")
_SECONDS = re.compile(r"[0-9]{1,9}")
#: What OpenID Connect wants to be refused by a word of its own.
_NOT_SUPPORTED = ("request", "request_uri", "registration")
_PROMPTS = {"none", "login", "consent", "select_account"}


class Fault(Exception):
    """The client is told so.

    Args:
        error: a word of the RFCs.
        why: for the client's programmer; nothing of what was sent.
    """

    def __init__(self, error: str, why: str) -> None:
        super().__init__(error)
        self.error = error
        self.why = why


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Attributes:
        silent: no page may be shown.
        anew: whoever is logged in shall give the password once more.
        max_age: so old a log-in may be; None: of any age.
        hint: a user name for the log-in's form; "": none.
    """

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    silent: bool
    anew: bool
    max_age: timedelta | None
    hint: str


def read(client: ClientRow, sent: Mapping[str, str]) -> Asked:
    """What *client* asks for; its redirect URI has been found good.

    Raises:
        Fault: something is wrong with it.
    """
    for name in _NOT_SUPPORTED:
        if name in sent:
            raise Fault(f"{name}_not_supported", f"{name} is not read here")
    match sent.get("response_type"):
        case "code":
            pass
        case None:
            raise Fault("invalid_request", "response_type is missing")
        case _:
            raise Fault("unsupported_response_type", "there is code")
    if sent.get("response_mode", "query") != "query":
        raise Fault("invalid_request", "the only response_mode is query")
    for name, most in (("state", MOST_STATE_OCTETS), ("nonce", MOST_NONCE_OCTETS)):
        if len(sent.get(name, "").encode()) > most:
            raise Fault("invalid_request", f"{name} is longer than {most} octets")
    prompts = set(sent.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise Fault("invalid_request", "prompt is none, or login")
    hint = sent.get("login_hint", "")
    return Asked(
        redirect_uri=sent["redirect_uri"],
        scopes=_scopes(client, sent.get("scope", "")),
        state=sent.get("state"),
        nonce=sent.get("nonce"),
        challenge=_challenge(client, sent),
        silent="none" in prompts,
        anew=bool(prompts & {"login", "select_account"}),
        max_age=_max_age(sent.get("max_age")),
        hint=hint if _USERNAME.fullmatch(hint) else "",
    )


def _scopes(client: ClientRow, sent: str) -> tuple[str, ...]:
    wanted = set(sent.split())
    may = [scope for scope in client.scopes if scope not in INTERFACE_SCOPES]
    if not wanted <= set(may):
        raise Fault("invalid_scope", f"of citizens this client may ask {' '.join(may)}")
    if Scope.OPENID not in wanted:
        raise Fault("invalid_scope", "openid is missing")
    return tuple(scope for scope in may if scope in wanted)


def _challenge(client: ClientRow, sent: Mapping[str, str]) -> str | None:
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if challenge is None:
        if method is not None or client.pkce != Pkce.OPTIONAL:
            raise Fault("invalid_request", "code_challenge is missing")
        return None
    if method != "S256":
        raise Fault("invalid_request", "the only code_challenge_method is S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise Fault("invalid_request", "code_challenge is none of S256")
    return challenge


def _max_age(sent: str | None) -> timedelta | None:
    if sent is None:
        return None
    if not _SECONDS.fullmatch(sent):
        raise Fault("invalid_request", "max_age is a number of seconds")
    return timedelta(seconds=int(sent))
