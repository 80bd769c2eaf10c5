"""What is decided and stored: the daemon's verbs (`Gateway`) and people's (`Hotline`).

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
    rights     correct, export, erase         unused     accounts that nobody ever used

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
    Moved,
    Purged,
    Trial,
    with_reason,
)
from smsgw.gateway.by_hand import TEST_TEXT, test_address, test_recipient
from smsgw.gateway.composer import GIVE_UP_AFTER, Recipient
from smsgw.gateway.gateway import Gateway
from smsgw.gateway.guessing import Verdict, Verified
from smsgw.gateway.hotline import CLOSED_AT_ONCE, RESERVED_FOR, Hotline
from smsgw.gateway.long_texts import PARTS_OF_A_LINK, PARTS_OF_A_SENDER
from smsgw.gateway.outbox import MOST_UNANSWERED
from smsgw.gateway.receipts import MOST_EARLY
from smsgw.gateway.rights import Corrected, Correction, Erased, Rights
from smsgw.gateway.rules import Rules
from smsgw.gateway.work import Work

__all__ = [
    "CLOSED_AT_ONCE",
    "GIVE_UP_AFTER",
    "MOST_EARLY",
    "MOST_UNANSWERED",
    "PARTS_OF_A_LINK",
    "PARTS_OF_A_SENDER",
    "RESERVED_FOR",
    "TEST_TEXT",
    "Accounts",
    "Applied",
    "Batch",
    "By",
    "Claim",
    "Corrected",
    "Correction",
    "Done",
    "Erased",
    "Expired",
    "Gateway",
    "Hotline",
    "LastWord",
    "Moved",
    "Purged",
    "Recipient",
    "Rights",
    "Rules",
    "Trial",
    "Verdict",
    "Verified",
    "Work",
    "test_address",
    "test_recipient",
    "with_reason",
]
