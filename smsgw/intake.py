"""The MOs of one batch: what the store knows of them, the decision on each, the rows of all.

Part of the gateway, and lives inside one transaction of it. Knows senders, retransmissions, parts
of long texts and the rules of the registration; nothing of links, time-outs or the outbox's later
life.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from smsgw import phone
from smsgw.clock import stamp
from smsgw.model import AccountState, Answer, Holder, Mo, Outcome, Reply, from_tuple
from smsgw.passwords import Issued
from smsgw.registration import machine, syntax
from smsgw.smpp.alphabets import join
from smsgw.store import rows
from smsgw.store.rows import Changes, Row
from smsgw.store.store import AccountRow, PartRow

if TYPE_CHECKING:
    from smsgw.gateway import Done, Gateway

#: Within this time the same octets on another session are a retransmission.
RETRANSMISSION_WINDOW = timedelta(minutes=15)
#: A long text whose last part has not come by then is answered as a syntax error.
PARTS_LIMIT = timedelta(minutes=10)
_RESETS_PER_DAY = 3
_QUOTED = re.compile(r"(\btext:).*", re.IGNORECASE | re.DOTALL)
# Looking up an enum's member takes as long as several calls, so the hot path does it once.
_OK = Answer.OK
_RETRANSMISSION = Outcome.RETRANSMISSION
_REGISTERED = machine.step(None, machine.Registration).to
_REGISTERED_WORD = _REGISTERED.value
_WORD = {outcome: outcome.value for outcome in Outcome}  # `.value` is slow, and a plain str


class Intake:
    """Decides on the texts of one batch and gathers what follows from them.

    Several texts of a batch may concern one phone or CMND, so what was decided for the first is
    what the second finds.
    """

    def __init__(
        self,
        gateway: "Gateway",
        room: Mapping[str, int],
        now: datetime,
        changes: Changes,
        done: "Done",
    ) -> None:
        self._gateway = gateway
        self._store = gateway.store
        self._settings = gateway.settings
        self._room = dict(room)
        self._now = now
        self._at = stamp(now)
        self._leased_until = stamp(now + gateway.lease)
        self._expires = self._at + gateway.ttl
        self._today = now.astimezone(gateway.zone).date()
        self._changes = changes
        self._done = done
        self._limit = gateway.settings.limits.replies_per_phone_per_hour
        self._repeat = gateway.settings.registration.repeat
        self._resets = self._repeat is machine.Repeat.RESET
        self._strict = gateway.settings.registration.check_personal_number
        self._next_subscriber, self._next_account, self._next_message = self._store.last_ids()
        self._subscribers: dict[str, int] = {}
        #: Which session brought the last text of a sender with the same octets.
        self._twins: dict[tuple[int, int], int] = {}
        self._answered: dict[int, int] = {}
        self._by_cmnd: dict[str, Holder] = {}
        self._by_phone: dict[int, Holder] = {}
        self._touched: set[int] = set()  # accounts whose password this batch changes
        self._issued: list[Issued] = []
        self._may_issue = 0
        self._reservations: bool | None = None  # whether there are any; None: nobody asked yet

    def take(self, mos: Sequence[Mo], registrations: int | None = None) -> None:
        """Decide on all of *mos*, in their order; one entry in `done.answers` for each.

        Args:
            registrations: how many passwords may be given out; None: no matter.
        """
        self._may_issue = len(mos) if registrations is None else registrations
        region = self._gateway.region
        numbers = [phone.normalise(mo.sender, region) for mo in mos]
        self._know_senders(
            [number or mo.sender.number for number, mo in zip(numbers, mos, strict=True)], mos
        )
        # Long texts are rare, and looked up one by one when their last part has come.
        parsed = [
            None if number is None or mo.part is not None else self._parse(mo)
            for mo, number in zip(mos, numbers, strict=True)
        ]
        self._know_holders(parsed)
        for mo, number, request in zip(mos, numbers, parsed, strict=True):
            if mo.part is None or number is None:
                answer = self._decide(mo, number, request)
            else:
                answer = self._take_part(mo, number)
            self._done.answers.append(answer)
        self._gateway.issuer.give_back(self._issued)

    def keep_receipts(self, mos: Sequence[Mo]) -> None:
        """Record *mos*, which read like receipts and are about no text of ours; nobody is
        answered."""
        region = self._gateway.region
        numbers = [phone.normalise(mo.sender, region) or mo.sender.number for mo in mos]
        self._know_senders(numbers, ())
        for mo, number in zip(mos, numbers, strict=True):
            masked = mo._replace(text=_mask_receipt(mo.text))
            self._record(masked, self._subscribers[number], Outcome.IGNORED)

    def give_up(self, incomplete: Sequence[tuple[int, str, str]]) -> None:
        """Answer each long text (subscriber, phone, ref) as what it is: not a registration."""
        self._know_senders([number for _, number, _ in incomplete], ())
        for subscriber, number, ref in incomplete:
            rows = self._store.parts(subscriber, ref)
            self._store.mark_joined(subscriber, ref)
            whole = self._whole(rows)
            text = f"{whole.text or ''} [...]"  # what is there, for the hotline; never valid
            fault = syntax.parse(text, self._today)
            self._decide(whole._replace(text=text), number, fault)

    # --- what the store knows -----------------------------------------------------------------

    def _know_senders(self, numbers: Sequence[str], mos: Sequence[Mo]) -> None:
        store = self._store
        self._subscribers, self._by_phone, self._by_cmnd = store.senders(set(numbers))
        known = set(self._subscribers.values())
        if known:
            pairs = {
                (self._subscribers[number], mo.fingerprint)
                for number, mo in zip(numbers, mos, strict=False)
                if number in self._subscribers
            }
            since = self._now - RETRANSMISSION_WINDOW
            self._twins = store.twins(pairs, since)
            if self._limit:
                self._answered = store.count_replies(known, self._now - timedelta(hours=1))
        for number in numbers:
            if number not in self._subscribers:
                self._next_subscriber += 1
                self._subscribers[number] = self._next_subscriber
                self._changes.subscribers.append(rows.subscriber(self._next_subscriber, number))

    def _know_holders(self, parsed: Sequence[syntax.Request | syntax.SyntaxFault | None]) -> None:
        cmnds = [request.cmnd for request in parsed if isinstance(request, syntax.Request)]
        if cmnds:
            # Who registers again mostly has the CMND of the account that was found by the phone.
            unknown = [cmnd for cmnd in cmnds if cmnd not in self._by_cmnd]
            if unknown:
                self._by_cmnd |= self._store.holders_by_cmnd(unknown)
            wanted = sum(cmnd not in self._by_cmnd for cmnd in cmnds)
            self._issued = self._gateway.issuer.take(min(wanted, self._may_issue))
            self._issued.reverse()  # popped from the end, so the oldest goes first

    # --- one text -----------------------------------------------------------------------------

    def _parse(self, mo: Mo) -> syntax.Request | syntax.SyntaxFault:
        return syntax.parse(mo.text, self._today, check_personal_number=self._strict)

    def _decide(
        self,
        mo: Mo,
        number: str | None,
        request: syntax.Request | syntax.SyntaxFault | None,
    ) -> Answer | None:
        if number is None or request is None:
            # A short code or a name: machines that answer machines must not loop.
            self._record(mo, self._subscribers[mo.sender.number], Outcome.IGNORED)
            return _OK
        who = self._subscribers[number]
        twin = self._twins.get((who, mo.fingerprint))
        if twin is not None and (twin != mo.session or mo.unanswered_twin):
            self._record(mo, who, _RETRANSMISSION)
            return _OK
        if self._limit and self._answered.get(who, 0) >= self._limit:
            self._record(mo, who, Outcome.IGNORED)
            return _OK
        return self._answer(mo, who, request)

    def _answer(
        self, mo: Mo, who: int, request: syntax.Request | syntax.SyntaxFault
    ) -> Answer | None:
        by_phone = self._by_phone.get(who)
        by_cmnd = self._by_cmnd.get(request.cmnd) if type(request) is syntax.Request else None
        resets_left = 0
        if self._resets and by_phone is not None and by_phone == by_cmnd:
            if by_phone.account_id in self._touched:
                return None  # this very batch gives it a password; its turn comes with the next
            used = self._store.count_resets(by_phone.account_id, self._now - timedelta(days=1))
            resets_left = _RESETS_PER_DAY - used
        decision = machine.decide(
            request,
            phone_holder=by_phone,
            cmnd_holder=by_cmnd,
            repeat=self._repeat,
            resets_left=resets_left,
        )
        if decision.event is machine.Registration:
            assert type(request) is syntax.Request  # noqa: S101 - a fault changes no account
            if self._is_kept_for_another(request.cmnd, who):
                decision = machine.RESERVED
        issued, account_id, cmnd = None, None, ""
        if decision.event is not None:
            if not self._issued and self._may_issue and not self._done.passwords_wanted:
                self._issued = self._gateway.issuer.take(1)
            if not self._issued or not self._may_issue:
                # All later ones wait as well, though the stock may have a password by now: the
                # same text sent again must not overtake the first.
                self._done.passwords_wanted += 1
                return None
            issued = self._issued.pop()
            self._done.issued.append(issued)
            self._may_issue -= 1
        mo_id = self._record(mo, who, decision.outcome)
        mt_id = self._next_message = mo_id + 1
        if issued is not None:
            assert type(request) is syntax.Request  # noqa: S101 - a fault changes no account
            cmnd = request.cmnd
            if decision.event is machine.Registration:
                account_id = self._register(mo, who, request, issued, mt_id)
            else:
                account_id = self._reset(decision, issued, mt_id)
        self._reply(mo, who, decision.reply, mo_id, mt_id, account_id, cmnd, issued)
        return _OK

    def _is_kept_for_another(self, cmnd: str, who: int) -> bool:
        """Whether another phone alone may register *cmnd* now.

        Commands reserve while we run, so the database is asked: once a batch whether there are
        reservations at all, which there mostly are not.
        """
        if self._reservations is None:
            self._reservations = self._store.any_reservation(self._now)
        if not self._reservations:
            return False
        reservation = self._store.reservation(cmnd, self._now)
        return reservation is not None and self._subscribers.get(reservation.phone) != who

    def _record(self, mo: Mo, who: int, outcome: Outcome) -> int:
        self._next_message = id_ = self._next_message + 1
        fingerprint = mo.fingerprint
        self._changes.mos.append(
            rows.mo(
                id_, self._at, who, mo.link, mo.session, fingerprint, _WORD[outcome], mo.text
            )
        )  # fmt: skip
        if outcome is not _RETRANSMISSION:
            self._twins[who, fingerprint] = mo.session
        self._done.outcomes[outcome] += 1
        return id_

    def _register(
        self, mo: Mo, who: int, request: syntax.Request, issued: Issued, mt_id: int
    ) -> int:
        self._next_account = account_id = self._next_account + 1
        name, cmnd, birth_date = request
        number, ton, npi = mo.sender
        self._changes.accounts.append(
            rows.account(
                account_id, who, cmnd, name, birth_date.isoformat(), _REGISTERED_WORD, mo.link,
                number, ton, npi, issued.hash, mt_id, self._at, self._expires,
            )
        )  # fmt: skip
        holder = from_tuple(Holder, (account_id, _REGISTERED, birth_date))
        self._by_phone[who] = self._by_cmnd[cmnd] = holder
        self._touched.add(account_id)
        return account_id

    def _reset(self, decision: machine.Decision, issued: Issued, mt_id: int) -> int:
        account_id, event = decision.account_id, decision.event
        assert account_id is not None  # noqa: S101 - a reset is about an account that exists
        assert event is not None  # noqa: S101 - the caller asked
        row = self._store.account(account_id)
        self._gateway.supersede(row)
        state = machine.step(row.account.state, event).to
        self._changes.passwords.append(
            rows.password(account_id, state, issued.hash, mt_id, self._at, self._expires, 0)
        )
        self._changes.history.append(history_row(row, event, state, self._now))
        self._touched.add(account_id)
        return account_id

    def _reply(
        self,
        mo: Mo,
        who: int,
        reply: Reply,
        mo_id: int,
        mt_id: int,
        account_id: int | None,
        cmnd: str,
        issued: Issued | None,
    ) -> None:
        link = mo.link
        room = self._room.get(link, 0)
        due, leased = (self._leased_until, 1) if room > 0 else (self._at, 0)
        mt = self._gateway.compose(
            self._changes, mt_id, reply, mo.sender, who, link, self._at,
            due, leased, mo_id, account_id, cmnd, issued,
        )  # fmt: skip
        if self._limit:
            self._answered[who] = self._answered.get(who, 0) + 1
        if leased:
            self._room[link] = room - 1
            self._done.replies.append(mt)
        else:
            self._done.falls_due(link, self._now)

    # --- long texts ---------------------------------------------------------------------------

    def _take_part(self, mo: Mo, number: str) -> Answer | None:
        """Keep a part of a long text; with the last one decide on the whole.

        What cannot be decided yet leaves the parts as they were, before the next message of this
        batch is looked at: it may be another copy of one of them.
        """
        part = mo.part
        assert part is not None  # noqa: S101 - the caller asked
        who = self._subscribers[number]
        whole = self._join(who, mo)
        if whole is None:
            return _OK
        # What this batch has done already is newer than what the store knows.
        since = self._now - RETRANSMISSION_WINDOW
        self._twins = self._store.twins([(who, whole.fingerprint)], since) | self._twins
        request = self._parse(whole)
        if type(request) is syntax.Request:
            self._by_cmnd = self._store.holders_by_cmnd([request.cmnd]) | self._by_cmnd
        answer = self._decide(whole, number, request)
        if answer is None:
            self._store.take_back_part(who, part)
        return answer

    def _join(self, who: int, mo: Mo) -> Mo | None:
        """The whole text when *mo* was its last part; None: the part is kept (or known)."""
        part = mo.part
        assert part is not None  # noqa: S101 - the caller asked
        store = self._store
        rows = {row.part.number: row for row in store.parts(who, part.ref)}
        old = rows.get(part.number)
        started = min((row.created_at for row in rows.values()), default=self._at)
        if old is not None and old.fingerprint == mo.fingerprint:
            # The row says when the first part came; this one may have come later by the limit.
            since = stamp(self._now - RETRANSMISSION_WINDOW - PARTS_LIMIT)
            if old.created_at > since and (old.session != mo.session or mo.unanswered_twin):
                return None  # sent again; the first was committed
        first = next(iter(rows.values()), None)
        if first is not None:
            if first.joined and old is None and first.part.total == part.total:
                return None  # too late: the text was answered without it
            if first.joined or first.part.total != part.total:
                store.forget_parts(who, part.ref)  # the phone uses its reference again
                rows, started = {}, self._at
        row = PartRow(part, started, mo.link, mo.session, mo.fingerprint, mo.sender, joined=False)
        store.add_part(who, row)
        rows[part.number] = row
        if len(rows) < part.total:
            return None
        store.mark_joined(who, part.ref)
        return self._whole([rows[number] for number in sorted(rows)])._replace(
            link=mo.link, session=mo.session, sender=mo.sender
        )

    def _whole(self, rows: Sequence[PartRow]) -> Mo:
        """One text of its parts, as the session of the first brought it."""
        first = rows[0]
        alphabets = {link.name: link.default_alphabet for link in self._settings.smsc}
        alphabet = alphabets.get(first.link) or next(iter(alphabets.values()))
        fingerprint = 0
        for row in rows:
            fingerprint = (fingerprint * 31 + row.fingerprint) & 0x7FFF_FFFF_FFFF_FFFF
        text = join([row.part for row in rows], alphabet)
        return Mo(first.link, first.session, first.sender, text, fingerprint)


def _mask_receipt(text: str | None) -> str | None:
    """*text* without what a receipt quotes of ours: there may be a password in it."""
    return text and _QUOTED.sub(r"\1********", text)


def history_row(
    row: AccountRow,
    event: type[machine.Event],
    to: AccountState,
    now: datetime,
    actor: str | None = None,
    reason: str | None = None,
) -> Row:
    """The line that an event leaves in the account's history."""
    account = row.account
    return rows.history(account.id, stamp(now), event.word, account.state, to, actor, reason)
