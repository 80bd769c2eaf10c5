"""What is decided and stored: the daemon's verbs (`Gateway`), the hotline's (`Hotline`), and what
citizens and programs ask of the portal (`Citizens`).

    gateway    the daemon's verbs             hotline    people's verbs
    intake     the texts of a batch           lookup     which accounts a key means
    known      who texts, and what for        guessing   passwords that are tried
    long_texts parts, until they are a text   trial      what would become of a text
    receipts   receipts and their texts       expiry     passwords whose time is over
    outbox     claim, settle, try again       accounts   does what the table of transitions says
    composer   writes a text of ours          seals      when keys are made, and when they die
    counts     of the running hour            rules      what the configuration means
    work       what a transaction gathers     tools      what all of these share
    batch      what goes in and comes out     by_hand    what people do to texts and links
    moving     which node has a link          key_table  data keys that nodes share
    rights     correct, export, erase         unused     accounts that nobody ever used
    citizens   what citizens do themselves    citizen    one of them, as the portal sees them
    interface  what programs ask              clients    which programs there are
    own_data   all that is kept of one        looking    what people look at, the base of hotline
    portal_key which key all portals have

Nobody outside imports these rooms; what they are used for stands below.
"""

from smsgw.gateway.accounts import Accounts, Applied
from smsgw.gateway.batch import (
    Batch,
    By,
    Claim,
    Done,
    Expired,
    LastWord,
    LinkBegins,
    Moved,
    Purged,
    Trial,
    with_reason,
)
from smsgw.gateway.by_hand import TEST_TEXT, WAKE_FACT, test_address, test_recipient
from smsgw.gateway.citizen import Citizen, Consent, LoggedIn, Proof, corrected
from smsgw.gateway.citizen import digest_of as mark_of_hash
from smsgw.gateway.citizens import Citizens
from smsgw.gateway.clients import (
    INTERFACE_SCOPES,
    Clients,
    NewClient,
    Pkce,
    Scope,
    Secret,
    knows,
    uri_fault,
)
from smsgw.gateway.composer import GIVE_UP_AFTER, Recipient
from smsgw.gateway.gateway import Gateway
from smsgw.gateway.guessing import Verdict, Verified
from smsgw.gateway.hotline import CLOSED_AT_ONCE, RESERVED_FOR, Hotline
from smsgw.gateway.interface import Change, Interface, Page, Portrait, profile_of
from smsgw.gateway.long_texts import PARTS_OF_A_LINK, PARTS_OF_A_SENDER
from smsgw.gateway.moving import living_nodes
from smsgw.gateway.outbox import MOST_UNANSWERED
from smsgw.gateway.portal_key import KeyMarks, PortalKey
from smsgw.gateway.receipts import MOST_EARLY
from smsgw.gateway.rights import Corrected, Correction, Erased, Rights
from smsgw.gateway.rules import Rules
from smsgw.gateway.work import Work
from smsgw.store import LogIn

__all__ = [
    "CLOSED_AT_ONCE",
    "GIVE_UP_AFTER",
    "INTERFACE_SCOPES",
    "MOST_EARLY",
    "MOST_UNANSWERED",
    "PARTS_OF_A_LINK",
    "PARTS_OF_A_SENDER",
    "RESERVED_FOR",
    "TEST_TEXT",
    "WAKE_FACT",
    "Accounts",
    "Applied",
    "Batch",
    "By",
    "Change",
    "Citizen",
    "Citizens",
    "Claim",
    "Clients",
    "Consent",
    "Corrected",
    "Correction",
    "Done",
    "Erased",
    "Expired",
    "Gateway",
    "Hotline",
    "Interface",
    "KeyMarks",
    "LastWord",
    "LinkBegins",
    "LogIn",
    "LoggedIn",
    "Moved",
    "NewClient",
    "Page",
    "Pkce",
    "PortalKey",
    "Portrait",
    "Proof",
    "Purged",
    "Recipient",
    "Rights",
    "Rules",
    "Scope",
    "Secret",
    "Trial",
    "Verdict",
    "Verified",
    "Work",
    "corrected",
    "knows",
    "living_nodes",
    "mark_of_hash",
    "profile_of",
    "test_address",
    "test_recipient",
    "uri_fault",
    "with_reason",
]
