"""The MOs of one batch: what the store knows of them, the decision on each, the rows of all.

Part of the gateway, and lives inside one transaction of it. Knows senders, retransmissions, parts
of long texts and the rules of the registration; nothing of links, time-outs or the outbox's later
life.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from smsgw import phone
from smsgw.clock import stamp
from smsgw.limits import HOUR, RECORDED_PER_HOUR, Recent
from smsgw.model import (
    AccountState,
    Answer,
    Holder,
    Ignored,
    Mo,
    Octets,
    Oddity,
    Outcome,
    Part,
    Reply,
    from_tuple,
)
from smsgw.passwords import Issued, Supply
from smsgw.registration import machine, syntax
from smsgw.registration.own_wording import CUT_OFF, MAX_CHARACTERS
from smsgw.registration.readings import reread
from smsgw.smpp.alphabets import NO_SHIFT, Alphabet, join
from smsgw.store import AccountRow, PartRow, rows
from smsgw.store.rows import Changes, Row

if TYPE_CHECKING:
    from smsgw.gateway import Done, Gateway

log = logging.getLogger(__name__)

#: Within this time the same octets on another session are a retransmission.
RETRANSMISSION_WINDOW = timedelta(minutes=15)
#: A long text whose last part has not come by then is answered as a syntax error.
PARTS_LIMIT = timedelta(minutes=10)
_RESETS_PER_DAY = 3
#: SMPP carries no part that is longer: a short_message has at most so many octets.
_MAX_PART_OCTETS = 255
_UCS2 = 8  # data_coding, SMPP v3.4 §5.2.19
#: So many parts of one sender may wait for the rest: one longest text, or a few of usual length.
PARTS_OF_A_SENDER = 255
#: And so many of one link.
PARTS_OF_A_LINK = 10_000
#: What the account's history calls a text of its number by a link of another carrier.
_OTHER_CARRIER = "other carrier"
_A_DAY = timedelta(days=1)
# Looking up an enum's member takes as long as several calls, so the hot path does it once.
_OK, _LATER = Answer.OK, Answer.LATER
_IGNORED = Outcome.IGNORED
_RETRANSMISSION = Outcome.RETRANSMISSION
_REGISTERED = machine.step(None, machine.Registration).to
_REGISTERED_WORD = _REGISTERED.value
_REQUEST = syntax.Request
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
        supply: Supply,
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
        self._supply = supply
        self._limit = gateway.settings.limits.replies_per_phone_per_hour
        self._countries = gateway.settings.limits.countries
        self._ceiling = gateway.ceiling(now)
        self._salts = gateway.salts
        self._repeat = gateway.settings.registration.repeat
        self._strict = gateway.settings.registration.check_personal_number
        self._next_subscriber, self._next_account, self._next_message = self._store.last_ids()
        self._subscribers: dict[str, int] = {}
        #: Which session brought the last text of a sender with the same octets.
        self._twins: dict[tuple[int, int], int] = {}
        # Of senders of many texts: the last hour before this batch, and what the batch adds.
        self._heavy: dict[int, tuple[str, Recent]] = {}
        self._heavy_answered: Counter[int] = Counter()
        self._heavy_kept: Counter[int] = Counter()
        self._answers = 0  # of everybody in this batch
        self._surplus: Counter[int] = Counter()
        self._parts_of_link: dict[str, int] = {}
        self._by_cmnd: dict[str, Holder] = {}
        self._by_phone: dict[int, Holder] = {}
        self._told: list[str] = []  # for the log, once it has happened
        self._noted: set[tuple[int, str]] = set()  # (account, link of another carrier)
        self._touched: set[int] = set()  # accounts whose password this batch changes
        self._reservations: bool | None = None  # whether there are any; None: nobody asked yet

    def take(self, mos: Sequence[Mo]) -> None:
        """Decide on all of *mos*, in their order; one entry in `done.answers` for each."""
        region, national = self._gateway.region, self._gateway.national
        numbers = [phone.normalise(mo.sender, region, mo.link in national) for mo in mos]
        self._know_senders(
            [number or mo.sender.number for number, mo in zip(numbers, mos, strict=True)], mos
        )
        # Long texts are rare, and looked up one by one when their last part has come.
        parsed = [
            None if number is None or mo.part is not None else self._parse(mo)
            for mo, number in zip(mos, numbers, strict=True)
        ]
        mos, parsed = self._read_again(mos, parsed)
        self._know_holders(parsed)
        for mo, number, request in zip(mos, numbers, parsed, strict=True):
            if mo.part is None or number is None:
                answer = self._decide(mo, number, request)
            else:
                answer = self._take_part(mo, number)
            self._done.answers.append(answer)
            sender = mo.sender
            if sender.ton == phone.INTERNATIONAL and number and number[1:] != sender.number:
                self._note_writing(mo, number, answer)
        self._end()

    def keep_receipts(self, mos: Sequence[Mo]) -> None:
        """Record *mos*, which read like receipts and are about no text of ours; nobody is
        answered."""
        region, national = self._gateway.region, self._gateway.national
        numbers = [
            phone.normalise(mo.sender, region, mo.link in national) or mo.sender.number
            for mo in mos
        ]
        self._know_senders(numbers, ())
        mask = self._gateway.own_wording.mask
        for mo, number in zip(mos, numbers, strict=True):
            masked = mo._replace(text=mo.text and mask(mo.text))
            self._leave(masked, number, _IGNORED, Ignored.RECEIPT, 0)
        self._end()

    def give_up(self, incomplete: Sequence[tuple[int, str, str]]) -> None:
        """Answer each long text (subscriber, phone, ref) as what it is: not a registration."""
        self._know_senders([number for _, number, _ in incomplete], ())
        for subscriber, number, ref in incomplete:
            rows = self._store.parts(subscriber, ref)
            self._store.mark_joined(subscriber, ref)
            whole = self._whole(rows)
            text = f"{whole.text or ''} [...]"  # what is there, for the hotline; never valid
            fault = syntax.parse(text, self._today)
            whole = whole._replace(text=text)
            self._forget_own_wording(subscriber, ref, whole)
            self._decide(whole, number, fault)
        self._end()

    def _end(self) -> None:
        """All texts were decided on."""
        hour = self._at // HOUR
        self._changes.surplus.extend(
            (hour, who, number, self._at) for who, number in self._surplus.items()
        )
        ceiling = self._ceiling
        if (
            ceiling
            and ceiling.left(self._at) <= self._answers
            and self._gateway.at_ceiling(ceiling, self._now)
        ):
            self._told.append(f"replies_per_hour={ceiling.limit} reached: texts are not answered")

    def committed(self) -> None:
        """What was decided is on the disk: it counts from now on."""
        senders, at = self._gateway.heavy_senders, self._at
        for who, (number, recent) in self._heavy.items():
            senders.add(number, recent, at, self._heavy_answered[who], self._heavy_kept[who])
        if self._ceiling and self._answers:
            self._ceiling.add(at, self._answers)
        for line in self._told:
            log.warning("%s", line)

    # --- what the store knows -----------------------------------------------------------------

    def _know_senders(self, numbers: Sequence[str], mos: Sequence[Mo]) -> None:
        store, once = self._store, set(numbers)
        self._subscribers, self._by_phone, self._by_cmnd = store.senders(once)
        subscribers = self._subscribers
        if subscribers:
            pairs = {
                (subscribers[number], mo.fingerprint ^ self._salts[mo.link])
                for number, mo in zip(numbers, mos, strict=False)
                if number in subscribers
            }
            if pairs:
                self._twins = store.twins(pairs, self._now - RETRANSMISSION_WINDOW)
        known = dict(subscribers)
        for number in numbers:
            if number not in subscribers:
                self._next_subscriber += 1
                subscribers[number] = self._next_subscriber
                self._changes.subscribers.append(rows.subscriber(self._next_subscriber, number))
        self._know_heavy_senders(known, Counter(numbers) if len(once) < len(numbers) else None)

    def _know_heavy_senders(self, known: Mapping[str, int], texts: Counter[str] | None) -> None:
        """Find out of whom so much came that limits matter.

        Args:
            known: those who have texted before, with their ids.
            texts: how many texts of each this batch has; None: one.
        """
        senders, since = self._gateway.heavy_senders, self._now - timedelta(hours=1)
        asked = {}
        for number, who in known.items():
            recent = senders.get(number)
            if recent is None:
                asked[who] = number
            else:
                self._heavy[who] = number, recent
        if asked:
            for who, count in self._store.count_recent(asked, since, senders.few).items():
                number = asked[who]
                if count + (texts[number] if texts else 1) > senders.few:
                    found = self._store.recent(who, since, senders.most)
                    self._heavy[who] = number, Recent(found, self._at)
        if texts:
            for number, count in texts.items():
                if count > senders.few and number not in known:
                    self._heavy[self._subscribers[number]] = number, Recent()

    def _know_holders(self, parsed: Sequence[syntax.Request | syntax.SyntaxFault | None]) -> None:
        cmnds = [request.cmnd for request in parsed if isinstance(request, syntax.Request)]
        if cmnds:
            # Who registers again mostly has the CMND of the account that was found by the phone.
            unknown = [cmnd for cmnd in cmnds if cmnd not in self._by_cmnd]
            if unknown:
                self._by_cmnd |= self._store.holders_by_cmnd(unknown)
            self._supply.fetch(sum(cmnd not in self._by_cmnd for cmnd in cmnds))

    # --- one text -----------------------------------------------------------------------------

    def _parse(self, mo: Mo) -> syntax.Request | syntax.SyntaxFault:
        return syntax.parse(mo.text, self._today, check_personal_number=self._strict)

    def _read_again(
        self,
        mos: Sequence[Mo],
        parsed: list[syntax.Request | syntax.SyntaxFault | None],
    ) -> tuple[Sequence[Mo], list[syntax.Request | syntax.SyntaxFault | None]]:
        """The same, with what only another alphabet than the declared one makes a registration."""
        strange = [
            at
            for at, (mo, request) in enumerate(zip(mos, parsed, strict=True))
            if mo.octets is not None and type(request) is syntax.SyntaxFault
        ]
        if strange:
            mos = list(mos)
            for at in strange:
                mos[at], parsed[at] = self._reread(mos[at], parsed[at])
        return mos, parsed

    def _reread(
        self, mo: Mo, request: syntax.Request | syntax.SyntaxFault | None
    ) -> tuple[Mo, syntax.Request | syntax.SyntaxFault | None]:
        if mo.octets is None or type(request) is not syntax.SyntaxFault:
            return mo, request
        found = reread(mo.octets, self._today, check_personal_number=self._strict)
        if found is None:
            return mo, request
        self._done.oddities[mo.link, Oddity.DATA_CODING] += 1
        text, request = found
        return mo._replace(text=text), request

    def _decide(
        self,
        mo: Mo,
        number: str | None,
        request: syntax.Request | syntax.SyntaxFault | None,
    ) -> Answer | None:
        if type(request) is not _REQUEST and self._gateway.own_wording.holds(mo.text):
            # Not even its fingerprint: who has it could try all passwords.
            masked = mo._replace(text=self._gateway.own_wording.mask(mo.text or ""))
            return self._leave(masked, number, _IGNORED, Ignored.OWN_WORDING, 0)
        fingerprint = mo.fingerprint ^ self._salts[mo.link]
        if number is None or request is None:
            # A short code or a name: machines that answer machines must not loop.
            return self._leave(mo, number, _IGNORED, Ignored.SENDER, fingerprint)
        who = self._subscribers[number]
        twin = self._twins.get((who, fingerprint))
        if twin is not None and twin != mo.session:
            return self._leave(mo, number, _RETRANSMISSION, None, 0)
        if why := phone.may_be_texted(number, self._countries):
            return self._leave(mo, number, _IGNORED, why, fingerprint)
        if self._limit and who in self._heavy and self._is_past_limit(who):
            return self._leave(mo, number, _IGNORED, Ignored.PHONE_LIMIT, fingerprint)
        if self._ceiling and self._ceiling.left(self._at) <= self._answers:
            return self._leave(mo, number, _IGNORED, Ignored.GATEWAY_LIMIT, fingerprint)
        return self._answer(mo, who, request, fingerprint)

    def _is_past_limit(self, who: int) -> bool:
        recent = self._heavy[who][1]
        return recent.answered(self._at) + self._heavy_answered[who] >= self._limit

    def _leave(
        self,
        mo: Mo,
        number: str | None,
        outcome: Outcome,
        reason: Ignored | None,
        fingerprint: int,
    ) -> Answer:
        """Record a text that is not answered, or where the hour has many of its sender, its
        number alone."""
        who = self._subscribers[number or mo.sender.number]
        if who in self._heavy:
            recent = self._heavy[who][1]
            if recent.kept(self._at) + self._heavy_kept[who] >= RECORDED_PER_HOUR:
                self._surplus[who] += 1
                self._done.outcomes[outcome] += 1
                return _OK
        mo_id = self._record(mo, who, outcome, fingerprint)
        if reason is not None:
            self._changes.ignored.append((mo_id, reason.value))
        return _OK

    def _answer(
        self,
        mo: Mo,
        who: int,
        request: syntax.Request | syntax.SyntaxFault,
        fingerprint: int,
    ) -> Answer | None:
        by_phone = self._by_phone.get(who)
        by_cmnd = self._by_cmnd.get(request.cmnd) if type(request) is _REQUEST else None
        resets_left, own_carrier = 0, True
        if by_phone is not None and type(request) is _REQUEST:
            carrier = self._gateway.carriers.of
            own_carrier = carrier(by_phone.link) == carrier(mo.link)
            if not own_carrier:
                self._note_other_carrier(by_phone, mo.link)
            elif machine.may_reset(request, by_phone, by_cmnd, self._repeat):
                if by_phone.account_id in self._touched:
                    return None  # this very batch gives it a password; its turn comes with the next
                used = self._store.count_resets(by_phone.account_id, self._now - _A_DAY)
                resets_left = _RESETS_PER_DAY - used
        decision = machine.decide(
            request,
            phone_holder=by_phone,
            cmnd_holder=by_cmnd,
            repeat=self._repeat,
            resets_left=resets_left,
            own_carrier=own_carrier,
        )
        if decision.event is machine.Registration:
            assert type(request) is syntax.Request  # noqa: S101 - a fault changes no account
            if self._is_kept_for_another(request.cmnd, who):
                decision = machine.RESERVED
        issued, account_id, cmnd = None, None, ""
        if decision.event is not None:
            issued = self._supply.draw()
            if issued is None:
                self._done.passwords_wanted += 1
                return None
        mo_id = self._record(mo, who, decision.outcome, fingerprint)
        mt_id = self._next_message = mo_id + 1
        if issued is not None:
            assert type(request) is _REQUEST  # noqa: S101 - a fault changes no account
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

    def _note_other_carrier(self, holder: Holder, link: str) -> None:
        """Leave a line in the account's history, one a day for each link."""
        reason = f"a text of this number came by link {link}"
        if (holder.account_id, link) in self._noted or self._store.has_note(
            holder.account_id, _OTHER_CARRIER, reason, self._now - _A_DAY
        ):
            return
        self._noted.add((holder.account_id, link))
        state = holder.state
        self._changes.history.append(
            rows.history(
                holder.account_id, self._at, _OTHER_CARRIER, state, state, None, reason
            )
        )  # fmt: skip
        self._told.append(
            f"mo link={link} account={holder.account_id} is of link {holder.link}, another carrier"
        )

    def _note_writing(self, mo: Mo, number: str, answer: Answer | None) -> None:
        """Count a number that was read as national though its TON says international, once a
        text."""
        first = mo.part is None or mo.part.number == 1
        if answer is _OK and first and phone.is_written_nationally(mo.sender, number):
            self._done.oddities[mo.link, "ton_1_national"] += 1

    def _record(self, mo: Mo, who: int, outcome: Outcome, fingerprint: int) -> int:
        self._next_message = id_ = self._next_message + 1
        text = mo.text
        if text is not None and len(text) > MAX_CHARACTERS:
            text = text[:MAX_CHARACTERS] + CUT_OFF
        self._changes.mos.append(
            rows.mo(
                id_, self._at, who, mo.link, mo.session, fingerprint, _WORD[outcome], text
            )
        )  # fmt: skip
        if fingerprint:
            self._twins[who, fingerprint] = mo.session
        if who in self._heavy:
            self._heavy_kept[who] += 1
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
        holder = from_tuple(Holder, (account_id, _REGISTERED, birth_date, mo.link, False))
        self._by_phone[who] = self._by_cmnd[cmnd] = holder
        self._touched.add(account_id)
        return account_id

    def _reset(self, decision: machine.Decision, issued: Issued, mt_id: int) -> int:
        account_id, event = decision.account_id, decision.event
        assert account_id is not None  # noqa: S101 - a reset is about an account that exists
        assert event is not None  # noqa: S101 - the caller asked
        row = self._store.account(account_id)
        self._gateway.supersede(row, self._now)
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
        self._answers += 1
        if who in self._heavy:
            self._heavy_answered[who] += 1
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
        if len(part.octets) > _MAX_PART_OCTETS:
            self._done.oddities[mo.link, "parts_refused"] += 1  # the session does so already
            return _LATER
        # Another carrier's parts are another text's, whatever their reference.
        part = part._replace(ref=f"{self._salts[mo.link]:x}/{part.ref}")
        mo = mo._replace(part=part)
        who = self._subscribers[number]
        whole = self._join(who, mo)
        if not isinstance(whole, Mo):
            return whole
        # What this batch has done already is newer than what the store knows.
        since = self._now - RETRANSMISSION_WINDOW
        key = who, whole.fingerprint ^ self._salts[whole.link]
        self._twins = self._store.twins([key], since) | self._twins
        whole, request = self._reread(whole, self._parse(whole))
        if type(request) is _REQUEST:
            self._by_cmnd = self._store.holders_by_cmnd([request.cmnd]) | self._by_cmnd
        else:
            self._forget_own_wording(who, part.ref, whole)
        only_counted = self._surplus[who]
        answer = self._decide(whole, number, request)
        if answer is None:
            self._store.take_back_part(who, part)
        elif self._surplus[who] > only_counted:
            self._store.forget_parts(who, part.ref)  # of what is not recorded nothing is kept
        return answer

    def _join(self, who: int, mo: Mo) -> Mo | Answer:
        """The whole text when *mo* was its last part; else what its sender is told: the part is
        kept (or known), or there is no room for it."""
        part = mo.part
        assert part is not None  # noqa: S101 - the caller asked
        store = self._store
        first, old = store.look_at_parts(who, part.ref, part.number)
        started = self._at if first is None else first.created_at
        if old is not None and old.fingerprint in (mo.fingerprint, 0):
            # The row says when the first part came; this one may have come later by the limit.
            since = stamp(self._now - RETRANSMISSION_WINDOW - PARTS_LIMIT)
            if old.created_at > since and old.session != mo.session:
                return _OK  # sent again; the first was committed
        if first is not None:
            if first.joined and old is None and first.total == part.total:
                return _OK  # too late: the text was answered without it
            if first.joined or first.total != part.total:
                store.forget_parts(who, part.ref)  # the phone uses its reference again
                first, old, started = None, None, self._at
        of_sender, there = store.count_parts(who, part.ref, PARTS_OF_A_SENDER)
        is_last = there + (old is None) >= part.total
        if old is None and not is_last and not self._has_room(mo.link, of_sender):
            self._done.oddities[mo.link, "parts_refused"] += 1
            return _LATER
        kept = part if is_last else self._masked_part(part, mo.link)
        fingerprint = mo.fingerprint if kept is part else 0
        row = PartRow(kept, started, mo.link, mo.session, fingerprint, mo.sender, joined=False)
        store.add_part(who, row)
        if not is_last:
            return _OK
        store.mark_joined(who, part.ref)
        return self._whole(store.parts(who, part.ref))._replace(
            link=mo.link, session=mo.session, sender=mo.sender
        )

    def _has_room(self, link: str, of_sender: int) -> bool:
        """Whether one more part may wait; it is counted, since the caller keeps it then."""
        of_link = self._parts_of_link.get(link)
        if of_link is None:
            of_link = self._store.count_parts_of_link(link, PARTS_OF_A_LINK)
        room = of_sender < PARTS_OF_A_SENDER and of_link < PARTS_OF_A_LINK
        self._parts_of_link[link] = of_link + room
        return room

    def _masked_part(self, part: Part, link: str) -> Part:
        """*part* as it may wait on the disk: without a password, where it quotes our wording."""
        text = join([part], self._alphabet(link))
        if text is None or not self._gateway.own_wording.holds(text):
            return part
        octets = self._gateway.own_wording.mask(text).encode("utf-16-be", "surrogatepass")
        return part._replace(data_coding=_UCS2, octets=octets, shift=(0, 0))

    def _alphabet(self, link: str) -> Alphabet:
        """What data_coding 0 means on *link*; of one that is gone, on the first."""
        alphabets = {smsc.name: smsc.default_alphabet for smsc in self._settings.smsc}
        return alphabets.get(link) or next(iter(alphabets.values()))

    def _forget_own_wording(self, who: int, ref: str, whole: Mo) -> None:
        """Keep nothing of what the parts of a text say that quotes our wording."""
        if self._gateway.own_wording.holds(whole.text):
            self._store.wipe_parts(who, ref)

    def _whole(self, rows: Sequence[PartRow]) -> Mo:
        """One text of its parts, as the session of the first brought it."""
        first = rows[0]
        fingerprint = 0
        for row in rows:
            fingerprint = (fingerprint * 31 + row.fingerprint) & 0x7FFF_FFFF_FFFF_FFFF
        parts = [row.part for row in rows]
        text = join(parts, self._alphabet(first.link))
        octets = _octets(parts)
        return Mo(first.link, first.session, first.sender, text, fingerprint, octets=octets)


def _octets(parts: Sequence[Part]) -> Octets | None:
    """What *parts* were on the wire, if all declare the same alphabet."""
    first = parts[0]
    if any((part.data_coding, part.shift) != (first.data_coding, first.shift) for part in parts):
        return None
    # A header of six octets, of which septets that are packed leave the seventh begun.
    narrow = first.ref.rpartition("/")[2].startswith("8:")
    fill = 1 if narrow and first.shift == NO_SHIFT else 0
    return Octets(tuple(part.octets for part in parts), fill)


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
