"""What became of our texts: each delivery receipt to its text, and the end of a password whose
texts reach nobody.

Part of the gateway, and lives inside one transaction of it. Knows which text a receipt is about
and what its last word changes; nothing of citizens' texts, of the outbox or of the wire.

An SMSC may write an id otherwise in its receipt than in its answer, name another number than it
sent the text to, use the id of another text, or the same for all; and whoever can text us can
text what reads like a receipt. A wrong match tells the hotline a lie and may cost a citizen the
password, so where a receipt fits several texts it is taken for none.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from smsgw import phone
from smsgw.gateway.batch import Done, LastWord
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.model import AccountState, Mo, MtState, Receipt
from smsgw.registration import machine
from smsgw.smpp.receipts import match_keys, normal_id, says_nothing
from smsgw.store import EarlyReceipt, SentText

log = logging.getLogger("smsgw.gateway")

#: So many receipts of a link wait for the answer to their submit_sm. They come milliseconds
#: before it: more are receipts of nobody.
MOST_EARLY = 1000
#: What `links` counts where a receipt is about no text that we know.
UNMATCHED = "receipt_unmatched"

_ISSUED, _DELIVERED = AccountState.ISSUED, MtState.DELIVERED


class Clue(NamedTuple):
    """What a receipt says of the text that it is about."""

    link: str
    smsc_id: str  #: as it came; empty: it names none
    number: str  #: E.164; else the receipt names no telephone


class Receipts:
    """Gives the receipts of one batch their texts.

    Args:
        done: where it counts what matches nothing, and says what became of texts.
    """

    def __init__(self, tools: Tools, now: datetime, done: Done) -> None:
        self._tools = tools
        self._store = tools.store
        self._rules = tools.rules
        self._now = now
        self._done = done

    def take(self, receipts: Iterable[Receipt]) -> list[Mo]:
        """Settle the texts that *receipts* are about.

        Returns:
            What only reads like a receipt and is about no text of ours: a citizen's text.
        """
        return [mo for receipt in receipts if (mo := self._take(receipt)) is not None]

    def taken(self, link: str, texts: Sequence[tuple[int, str]]) -> None:
        """An SMSC took these (mt, id that it gave): some receipts may have come before."""
        names = {mt_id: match_keys(smsc_id) for mt_id, smsc_id in texts}
        wanted = {name for key in names.values() for name in (key.normal, *key.others)}
        waiting: dict[str, list[EarlyReceipt]] = {}
        for early in self._store.early_receipts(self._links(link), wanted):
            waiting.setdefault(normal_id(early.smsc_id), []).append(early)
        if not waiting:
            return
        for mt_id, key in names.items():
            found = [e for name in (key.normal, *key.others) for e in waiting.get(name, ())]
            text = self._store.sent_text(mt_id) if found else None
            if text is not None and (first := _first_word(text, found)) is not None:
                self._settle(text, first.state, first.reason)
                self._store.forget_early_receipt(first)
                waiting[normal_id(first.smsc_id)].remove(first)

    def refused(self, mt_id: int) -> None:
        """The SMSC will not take this text because of its address: as good as undeliverable."""
        if (found := self._store.refused_account(mt_id)) is not None:
            self._reached_nobody(*found)

    # --- one receipt --------------------------------------------------------------------------

    def _take(self, receipt: Receipt) -> Mo | None:
        words_alone = receipt.text is not None
        if receipt.state is None and not words_alone:
            if says_nothing(receipt):
                self._done.oddities[receipt.link, UNMATCHED] += 1
            return None  # on its way still; the last word comes later
        sender, national = receipt.phone, receipt.link in self._rules.national
        number = phone.normalise(sender, self._rules.region, national) or sender.number
        clue = Clue(receipt.link, receipt.smsc_id.strip(), number)
        text = self._by_words(clue) if words_alone else self._marked(clue)
        if words_alone and says_nothing(receipt):
            text = None  # not even one that got an empty id from its SMSC
        if text is None:
            self._done.oddities[receipt.link, UNMATCHED] += 1
            if receipt.text is None and receipt.state is not None:
                self._store.park_receipt(
                    *clue, receipt.state, receipt.reason, self._now, most=MOST_EARLY
                )
            return receipt.text
        if receipt.state is not None:
            self._settle(text, receipt.state, receipt.reason)
        return None

    def _settle(self, text: SentText, state: MtState, reason: str) -> None:
        """The last word on *text*, which may be one too many for its account."""
        self._store.settle_sent(text.id, state, reason, self._now)
        mt_id, link, smsc_id, _, account_id, undelivered = text
        self._done.last_words.append(LastWord(mt_id, link, smsc_id, state, reason))
        if account_id is None or undelivered is None:  # no password, or of an account purged since
            return
        if state is not _DELIVERED:
            self._reached_nobody(account_id, undelivered)
        elif undelivered:
            self._store.set_undelivered(account_id, 0)

    def _reached_nobody(self, account_id: int, before: int) -> None:
        """A text with a password was not delivered, after *before* others in a row; with as many
        as are allowed the issued password ends."""
        undelivered = before + 1
        self._store.set_undelivered(account_id, undelivered)
        if not 0 < self._rules.undelivered_reminders <= undelivered:
            return
        row = self._store.account(account_id)
        if row.account.state is not _ISSUED or row.password_hash is None:
            return
        work = Work(self._store, self._now, self._tools.no_passwords())
        why = f"{undelivered} texts in a row were not delivered"
        self._tools.accounts.apply(work, machine.Undeliverable, row, why=why)
        work.write()
        log.info("password ended account=%d undelivered=%d", account_id, undelivered)

    def _marked(self, clue: Clue) -> SentText | None:
        """The text that a receipt is about which esm_class or a TLV says is one."""
        found = self._store.awaiting_receipt(clue.link, clue.smsc_id)
        exact = [text for text in found if text.smsc_id == clue.smsc_id]
        if len(exact) == 1 and clue.smsc_id:
            return exact[0]  # nearly all end here
        return best(clue, self._found(clue))

    def _by_words(self, clue: Clue) -> SentText | None:
        """The same of a receipt that may be a citizen's text: number and id must agree."""
        found = [text for text in self._found(clue) if text.phone == clue.number]
        return best(clue, found)

    def _found(self, clue: Clue) -> list[SentText]:
        names = (clue.smsc_id, *match_keys(clue.smsc_id).others)
        return self._store.awaiting_receipt_anyhow(self._links(clue.link), names)

    def _links(self, link: str) -> list[str]:
        """*link* and those that stand in for it: another bind may bring the receipt."""
        carriers = self._tools.carriers
        return list(dict.fromkeys((link, *carriers.links_ever(carriers.of(link)))))


def rank(clue: Clue, text: SentText) -> int | None:
    """How sure it is that *clue* is about *text*, one of whose ids it names; 0 is the surest.

    None: it is not. A decimal id of one text may read as the hexadecimal id of another, so only
    the id letter for letter stands by itself; any other writing needs the number.
    """
    own = text.link == clue.link
    if clue.smsc_id and clue.smsc_id == text.smsc_id:
        return 0 if own else 1
    same = normal_id(clue.smsc_id) == normal_id(text.smsc_id)
    if clue.number == text.phone:
        return 2 + 2 * (not own) + (not same)
    if not clue.number.startswith("+") and own:
        return 6 + (not same)
    return None


def best(clue: Clue, texts: Iterable[SentText]) -> SentText | None:
    """The text that *clue* is about; None: it fits none, or several alike."""
    ranks: dict[int, list[SentText]] = {}
    for text in texts:
        if (found := rank(clue, text)) is not None:
            ranks.setdefault(found, []).append(text)
    for _, alike in sorted(ranks.items()):
        named = [text for text in alike if text.phone == clue.number]
        if named:
            return min(named)  # the first one sent
        if len(alike) == 1:
            return alike[0]
    return None


def _first_word(text: SentText, receipts: Iterable[EarlyReceipt]) -> EarlyReceipt | None:
    """Which of *receipts* is about *text*; None: none is."""
    ranks = [
        (found, early.phone != text.phone, early)
        for early in receipts
        if (found := rank(Clue(early.link, early.smsc_id, early.phone), text)) is not None
    ]
    return min(ranks)[2] if ranks else None
