"""What lives shortly, as it goes in and comes out."""

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple


class SessionRow(NamedTuple):
    """Somebody is logged in in one browser."""

    key: bytes  #: digest of the cookie
    sid: str
    account: int
    mark: str
    narrow: bool  #: may choose an own password, and nothing else
    auth_at: datetime
    seen_at: datetime
    browser: bytes
    opened_by: str = ""
    kept_by: str = ""
    notice: str = ""
    last_at: datetime | None = None
    wrong_base: int = 0


class Limits(NamedTuple):
    """When a session ends by itself."""

    idle: timedelta
    narrow_idle: timedelta
    absolute: timedelta


class Guess(NamedTuple):
    """A try before it is judged."""

    name: bytes  #: digest of the user name
    account: int | None
    mark: str
    browser: bytes | None  #: None: nobody's, or of a program
    net: str  #: "": nobody said whence
    shared: bool  #: many citizens stand behind *net*
    shut: bool  #: strangers are not judged until the secret is new


class Ticket(NamedTuple):
    """A try that was reserved."""

    guess: Guess
    bucket: bytes
    known: bool  #: from a browser that has logged in to this name
    key: bytes  #: by which its verdict finds it


class TransactionRow(NamedTuple):
    """The request of a client that waits in a browser."""

    browser: bytes
    document: str  #: as JSON
    sid: str  #: of the session with which it ends; "": nobody has logged in since
    at: datetime
    answered_at: datetime | None = None


class CodeRow(NamedTuple):
    """A code that a client may exchange once."""

    key: bytes  #: digest of the code
    client: str  #: its client_id
    account: int
    sid: str  #: of the session in which it was given
    document: str  #: what it is bound to, as JSON
    until: datetime
    spent: bool = False


class TokenRow(NamedTuple):
    """An access token."""

    key: bytes  #: digest of the token
    client: str  #: its client_id
    scopes: str  #: by blanks
    account: int | None  #: None: the client asks for itself
    mark: str  #: of the password; with another one it opens nothing
    sub: str
    sid: str
    code: bytes | None  #: digest of the code for which it was given
    made_at: datetime
    until: datetime


class Why(Enum):
    """Why a try is not judged."""

    WAIT = "wait"
    SHUT = "shut"
    NETWORK = "network"
    CROWDED = "crowded"  #: until those who were there before are judged


class Denied(NamedTuple):
    why: Why
    wait: timedelta


class Totals(NamedTuple):
    """Wrong tries of a name."""

    ever: int
    at_log_in: int  #: so many were there at the last good one


class Promise(NamedTuple):
    """A program is about to change a password: asked once more, it hears the same answer."""

    key: bytes  #: digest of its Idempotency-Key
    body: bytes  #: digest of what it sent
    account: int
    mark: str  #: of the password that is set
    at: datetime
    kept: bool = False  #: the password is set
