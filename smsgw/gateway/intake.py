"""The MOs of one batch: a decision on each, and the rows of all.

Lives inside one transaction of the gateway. Asks `Known` who texts, has `registration` decide and
`Accounts` do it, and keeps what is not answered. Knows nothing of links, time-outs or the outbox's
later life.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from smsgw import phone
from smsgw.clock import stamp
from smsgw.gateway.accounts import Applied
from smsgw.gateway.batch import Done
from smsgw.gateway.composer import Recipient
from smsgw.gateway.known import Known
from smsgw.gateway.long_texts import LongTexts
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.limits import HOUR
from smsgw.model import Answer, Holder, Ignored, Mo, Mt, Oddity, Outcome, Part, from_tuple
from smsgw.registration import machine, syntax
from smsgw.registration.own_wording import CUT_OFF, MAX_CHARACTERS
from smsgw.registration.readings import reread
from smsgw.registration.syntax import Request, SyntaxFault

log = logging.getLogger("smsgw.gateway")

_RESETS_PER_DAY = 3
#: What the account's history calls a text of its number by a link of another carrier.
_OTHER_CARRIER = "other carrier"
_A_DAY = timedelta(days=1)
# Looking up an enum's member takes as long as several calls, so the hot path does it once.
_OK, _IGNORED = Answer.OK, Outcome.IGNORED
_RETRANSMISSION = Outcome.RETRANSMISSION


class Intake:
    """Decides on the texts of one batch and gathers what follows from them.

    Args:
        done: where the answers, and the replies that leave at once, go.
        room: how many replies each link can hold in memory.
    """

    def __init__(
        self, tools: Tools, work: Work, done: Done, room: Mapping[str, int] | None = None
    ) -> None:
        self._tools = tools
        self._store = tools.store
        self._rules = rules = tools.rules
        self._work = work
        self._done = done
        self._room = dict(room or {})
        self._known = Known(tools, work)
        self._long_texts = LongTexts(tools, work, done)
        self._today = rules.today(work.now)
        self._leased_until = stamp(work.now + rules.lease)
        self._ceiling = tools.counts.ceiling(work.now)
        self._salts = tools.salts
        self._answers = 0  # to everybody in this batch
        self._surplus: Counter[int] = Counter()
        self._told: list[str] = []  # for the log, once it has happened
        self._noted: set[tuple[int, str]] = set()  # (account, link of another carrier)
        self._touched: set[int] = set()  # accounts whose password this batch changes
        self._reservations: bool | None = None  # whether there are any; None: nobody asked yet

    def take(self, mos: Sequence[Mo]) -> None:
        """Decide on all of *mos*, in their order; one entry in `done.answers` for each."""
        numbers = self._numbers(mos)
        self._known.learn_senders(
            [number or mo.sender.number for number, mo in zip(numbers, mos, strict=True)], mos
        )
        # Long texts are rare, and looked up one by one when their last part has come.
        parsed = [
            None if number is None or mo.part is not None else self._parse(mo)
            for mo, number in zip(mos, numbers, strict=True)
        ]
        mos = list(mos)
        self._read_again(mos, parsed)
        cmnds = [request.cmnd for request in parsed if type(request) is Request]
        if cmnds:
            self._work.supply.fetch(self._known.learn_holders(cmnds))
        answers = self._done.answers
        for mo, number, request in zip(mos, numbers, parsed, strict=True):
            if mo.part is None or number is None:
                answer = self._decide(mo, number, request)
            else:
                answer = self._take_part(mo, mo.part, number)
            answers.append(answer)
            sender = mo.sender
            if sender.ton == phone.INTERNATIONAL and number and number[1:] != sender.number:
                self._note_writing(mo, number, answer)

    def keep_receipts(self, mos: Sequence[Mo]) -> None:
        """Record *mos*, which read like receipts and are about no text of ours; nobody is
        answered."""
        numbers = [
            number or mo.sender.number for number, mo in zip(self._numbers(mos), mos, strict=True)
        ]
        self._known.learn_senders(numbers)
        mask = self._tools.own_wording.mask
        for mo, number in zip(mos, numbers, strict=True):
            masked = mo._replace(text=mo.text and mask(mo.text))
            self._leave(masked, number, _IGNORED, Ignored.RECEIPT, 0)

    def give_up(self, incomplete: Sequence[tuple[int, str, str]]) -> None:
        """Answer each long text (subscriber, phone, ref) as what it is: not a registration."""
        self._known.learn_senders([number for _, number, _ in incomplete])
        for subscriber, number, ref in incomplete:
            whole = self._long_texts.give_up(subscriber, ref)
            self._decide(whole, number, syntax.parse(whole.text, self._today))

    def write(self) -> None:
        """Write what follows from all that was decided."""
        work, ceiling, counts = self._work, self._ceiling, self._tools.counts
        hour = work.at // HOUR
        for subscriber, number in self._surplus.items():
            work.changes.count_surplus(subscriber, hour=hour, number=number, at=work.at)
        if (
            ceiling
            and ceiling.left(work.at) <= self._answers
            and counts.at_ceiling(ceiling, work.now)
        ):
            self._told.append(f"replies_per_hour={ceiling.limit} reached: texts are not answered")
        work.write()

    def committed(self) -> None:
        """What was decided is on the disk: it counts from now on."""
        self._known.committed()
        if self._ceiling and self._answers:
            self._ceiling.add(self._work.at, self._answers)
        for line in self._told:
            log.warning("%s", line)

    # --- reading ------------------------------------------------------------------------------

    def _numbers(self, mos: Sequence[Mo]) -> list[str | None]:
        """The number of each sender in E.164; None: it is no telephone number."""
        region, national = self._rules.region, self._rules.national
        return [phone.normalise(mo.sender, region, mo.link in national) for mo in mos]

    def _parse(self, mo: Mo) -> Request | SyntaxFault:
        strict = self._rules.check_personal_number
        return syntax.parse(mo.text, self._today, check_personal_number=strict)

    def _read_again(self, mos: list[Mo], parsed: list[Request | SyntaxFault | None]) -> None:
        """Put in what only another alphabet than the declared one makes a registration."""
        for at, mo in enumerate(mos):
            if mo.octets is not None and type(parsed[at]) is SyntaxFault:
                mos[at], parsed[at] = self._reread(mo, parsed[at])

    def _reread(
        self, mo: Mo, request: Request | SyntaxFault | None
    ) -> tuple[Mo, Request | SyntaxFault | None]:
        if mo.octets is None or type(request) is not SyntaxFault:
            return mo, request
        strict = self._rules.check_personal_number
        found = reread(mo.octets, self._today, check_personal_number=strict)
        if found is None:
            return mo, request
        self._done.oddities[mo.link, Oddity.DATA_CODING] += 1
        text, request = found
        return mo._replace(text=text), request

    def _take_part(self, mo: Mo, part: Part, number: str) -> Answer | None:
        """Keep a part of a long text; with the last one decide on the whole.

        What cannot be decided yet leaves the parts as they were, before the next message of this
        batch is looked at: it may be another copy of one of them.
        """
        subscriber = self._known.subscribers[number]
        part = self._long_texts.own(mo, part)
        whole = self._long_texts.join(subscriber, mo, part)
        if not isinstance(whole, Mo):
            return whole
        whole = whole._replace(read_at=mo.read_at)
        self._known.learn_text(subscriber, whole.fingerprint ^ self._salts[whole.link])
        whole, request = self._reread(whole, self._parse(whole))
        if type(request) is Request:
            self._known.learn_holder(request.cmnd)
        else:
            self._long_texts.forget_own_wording(subscriber, part.ref, whole)
        only_counted = self._surplus[subscriber]
        answer = self._decide(whole, number, request)
        if answer is None:
            self._long_texts.take_back(subscriber, part)
        elif self._surplus[subscriber] > only_counted:
            self._long_texts.forget(subscriber, part)
        return answer

    # --- deciding -----------------------------------------------------------------------------

    def _decide(
        self, mo: Mo, number: str | None, request: Request | SyntaxFault | None
    ) -> Answer | None:
        """What a text leads to; None: its turn comes with the next batch."""
        if type(request) is not Request and self._tools.own_wording.holds(mo.text):
            # Not even its fingerprint: who has it could try all passwords.
            masked = mo._replace(text=self._tools.own_wording.mask(mo.text or ""))
            return self._leave(masked, number, _IGNORED, Ignored.OWN_WORDING, 0)
        fingerprint = mo.fingerprint ^ self._salts[mo.link]
        if number is None or request is None:
            # A short code or a name: machines that answer machines must not loop.
            return self._leave(mo, number, _IGNORED, Ignored.SENDER, fingerprint)
        known = self._known
        subscriber = known.subscribers[number]
        twin = known.twins.get((subscriber, fingerprint))
        if twin is not None and twin != mo.session:
            return self._leave(mo, number, _RETRANSMISSION, None, 0)
        if why := phone.may_be_texted(number, self._rules.countries):
            return self._leave(mo, number, _IGNORED, why, fingerprint)
        if subscriber in known.heavy and known.is_past_limit(subscriber):
            return self._leave(mo, number, _IGNORED, Ignored.PHONE_LIMIT, fingerprint)
        if self._ceiling and self._ceiling.left(self._work.at) <= self._answers:
            return self._leave(mo, number, _IGNORED, Ignored.GATEWAY_LIMIT, fingerprint)
        return self._answer(mo, subscriber, request, fingerprint)

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
        known = self._known
        subscriber = known.subscribers[number or mo.sender.number]
        if subscriber in known.heavy and known.has_enough_kept(subscriber):
            self._surplus[subscriber] += 1
            self._done.outcomes[outcome] += 1
            return _OK
        mo_id = self._work.message = self._work.message + 1
        self._record(mo_id, mo, subscriber, outcome, fingerprint)
        if reason is not None:
            self._work.changes.ignore(mo_id, reason)
        return _OK

    def _answer(
        self, mo: Mo, subscriber: int, request: Request | SyntaxFault, fingerprint: int
    ) -> Answer | None:
        decision = self._decision(mo, subscriber, request)
        if decision is None:
            return None
        work, link, asked_at = self._work, mo.link, mo.read_at
        room = self._room.get(link, 0)
        leased_until = self._leased_until if room > 0 else 0
        mo_id = work.message = work.message + 1
        to = from_tuple(Recipient, (subscriber, mo.sender, link, mo_id, leased_until, asked_at))
        mt: Mt | None
        if decision.event is None:
            mt_id = work.message = mo_id + 1
            mt = self._tools.composer.write(work, mt_id, decision.reply, to)
        else:
            applied = self._apply(decision, request, to)
            if applied is None:
                work.message = mo_id - 1
                self._done.passwords_wanted += 1
                return None
            mt = applied.mt
        self._record(mo_id, mo, subscriber, decision.outcome, fingerprint)
        self._answers += 1
        if subscriber in self._known.heavy:
            self._known.answer(subscriber)
        if mt is None:
            return _OK
        if leased_until:
            self._room[link] = room - 1
            self._done.replies.append(mt)
        else:
            self._done.falls_due(link, work.now)
        return _OK

    def _decision(
        self, mo: Mo, subscriber: int, request: Request | SyntaxFault
    ) -> machine.Decision | None:
        """What the rules say; None: ask again once this batch is on the disk."""
        if type(request) is not Request:
            return machine.decide(request, phone_holder=None, cmnd_holder=None)
        repeat, known = self._rules.repeat, self._known
        by_phone, by_cmnd = known.by_phone.get(subscriber), known.by_cmnd.get(request.cmnd)
        resets_left, own_carrier = 0, True
        if by_phone is not None:
            carrier = self._tools.carriers.of
            own_carrier = carrier(by_phone.link) == carrier(mo.link)
            if not own_carrier:
                self._note_other_carrier(by_phone, mo.link)
            elif machine.may_reset(request, by_phone, by_cmnd, repeat):
                if by_phone.account_id in self._touched:
                    return None  # this very batch gives it a password
                used = self._store.count_resets(by_phone.account_id, self._work.now - _A_DAY)
                resets_left = _RESETS_PER_DAY - used
        decision = machine.decide(
            request,
            phone_holder=by_phone,
            cmnd_holder=by_cmnd,
            repeat=repeat,
            resets_left=resets_left,
            own_carrier=own_carrier,
        )
        if (
            decision.event is machine.Registration
            and self._reservations is not False
            and self._is_kept_for_another(request.cmnd, subscriber)
        ):
            return machine.RESERVED
        return decision

    def _apply(
        self, decision: machine.Decision, request: Request | SyntaxFault, to: Recipient
    ) -> Applied | None:
        """Have the event of *decision* happen; None: it needs a password, and there is none."""
        event, account_id = decision.event, decision.account_id
        assert event is not None  # noqa: S101 - the caller asked
        assert type(request) is Request  # noqa: S101 - a fault changes no account
        apply = self._tools.accounts.apply
        if account_id is not None:
            applied = apply(self._work, event, self._store.account(account_id), to)
        else:
            applied = apply(self._work, event, request, to)
        if applied is None:
            return None
        self._touched.add(applied.account)
        if account_id is None:
            _, cmnd, birth_date = request
            holder = from_tuple(
                Holder, (applied.account, applied.state, birth_date, to.link, False)
            )
            self._known.by_phone[to.subscriber] = self._known.by_cmnd[cmnd] = holder
        return applied

    def _is_kept_for_another(self, cmnd: str, subscriber: int) -> bool:
        """Whether another phone alone may register *cmnd* now.

        Commands reserve while we run, so the database is asked: once a batch whether there are
        reservations at all, which there mostly are not.
        """
        now = self._work.now
        if self._reservations is None:
            self._reservations = self._store.any_reservation(now)
        if not self._reservations:
            return False
        kept = self._store.reservation(cmnd, now)
        return kept is not None and self._known.subscribers.get(kept.phone) != subscriber

    # --- recording ----------------------------------------------------------------------------

    def _record(
        self, mo_id: int, mo: Mo, subscriber: int, outcome: Outcome, fingerprint: int
    ) -> None:
        text, session = mo.text, mo.session
        if text is not None and len(text) > MAX_CHARACTERS:
            text = text[:MAX_CHARACTERS] + CUT_OFF
        self._work.changes.add_mo(
            mo_id,
            at=self._work.at,
            subscriber=subscriber,
            link=mo.link,
            session=session,
            fingerprint=fingerprint,
            outcome=outcome,
            text=text,
        )
        if fingerprint:
            self._known.twins[subscriber, fingerprint] = session
        if subscriber in self._known.heavy:
            self._known.keep(subscriber)
        self._done.outcomes[outcome] += 1

    def _note_other_carrier(self, holder: Holder, link: str) -> None:
        """Leave a line in the account's history, one a day for each link."""
        account, state = holder.account_id, holder.state
        reason = f"a text of this number came by link {link}"
        if (account, link) in self._noted or self._store.has_note(
            account, _OTHER_CARRIER, reason, self._work.now - _A_DAY
        ):
            return
        self._noted.add((account, link))
        self._work.changes.add_history(
            account,
            at=self._work.at,
            what=_OTHER_CARRIER,
            before=state,
            after=state,
            reason=reason,
        )
        self._told.append(
            f"mo link={link} account={account} is of link {holder.link}, another carrier"
        )

    def _note_writing(self, mo: Mo, number: str, answer: Answer | None) -> None:
        """Count a number that was read as national though its TON says international, once a
        text."""
        first = mo.part is None or mo.part.number == 1
        if answer is _OK and first and phone.is_written_nationally(mo.sender, number):
            self._done.oddities[mo.link, "ton_1_national"] += 1
