"""The gateway against a small model of the dispatch's rules, through any order of events.

A real SQLite file, the gateway, and a hotline beside it with a connection of its own; citizens,
carriers and the clock are played by hypothesis. After each step the whole database is compared
with what `dispatch.py` says it must be. `make model` runs it for longer.
"""

import functools
import itertools
import os
import tempfile
from collections import Counter
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from smsgw import passwords
from smsgw.census import count_all
from smsgw.clock import unstamp
from smsgw.errors import SmsgwError
from smsgw.gateway import GIVE_UP_AFTER, MOST_UNANSWERED, Batch, Gateway, Hotline
from smsgw.gateway.rules import CLOCK_SLACK
from smsgw.model import (
    AccountState,
    Address,
    Answer,
    Direction,
    Mo,
    MtState,
    Outcome,
    Part,
    Postponed,
    Receipt,
    Refused,
    SubmitResult,
    Taken,
    Unanswered,
)
from smsgw.passwords import OnDemand
from smsgw.reseal import KEPT
from smsgw.smpp.alphabets import septets
from smsgw.store import open_store
from smsgw.vault import Vault
from tests.house import FewIssued, House, password_in
from tests.model.dispatch import (
    CMNDS,
    MALFORMED,
    OWN_WORDING,
    PARTS_WITHIN,
    PIECES,
    RESERVED_FOR,
    RETRANSMITTED_WITHIN,
    VALID,
    Account,
    Dispatch,
    LongText,
    Seen,
)
from tests.postgres import empty
from tests.raw_postgres import Postgres

#: Any part of a long text comes within the one time, and its copy within the other.
KNOWN_WITHIN = PARTS_WITHIN + RETRANSMITTED_WITHIN
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Whose each link is: two are of one carrier.
CARRIERS = {"viettel": "viettel", "mobi": "mobi", "viettel-2": "viettel"}
LINKS = tuple(CARRIERS)
PHONES = ("+84905123456", "+84905999999", "+84911000001")
WRITTEN = [(p, Address(p[1:], 1, 1)) for p in PHONES] + [
    (p, Address("0" + p[3:], 0, 1)) for p in PHONES
]
WRITTEN.append((PHONES[0], Address(PHONES[0][3:], 1, 1)))  # a national number under TON 1
#: Telephones that nobody pays answers for: in Andorra, which without its TON would be Vietnamese,
#: in Cuba, and a premium one.
NOT_OURS = [
    ("+376312345", Address("376312345", 1, 1)),
    ("+5352345678", Address("5352345678", 1, 1)),
    ("+841900123456", Address("841900123456", 1, 1)),
]
FOREIGN = {phone for phone, _ in NOT_OURS}
MACHINE = (None, Address("8188", 3, 0))  # no telephone
OWN_PASSWORD = "a word of their own"

ANSWERED = {Outcome.REGISTERED, Outcome.SYNTAX_ERROR, Outcome.ALREADY_REGISTERED}
WAITS = ("outbox", "queued")
#: A text of ours is in one of the two.
ALL_MT = "SELECT id FROM outbox UNION ALL SELECT id FROM sent"

people = st.sampled_from([*WRITTEN, MACHINE])
senders = st.one_of(people, people, people, st.sampled_from(NOT_OURS))
valid = st.sampled_from(sorted(VALID))
texts = st.one_of(valid, valid, st.sampled_from(MALFORMED), st.sampled_from(OWN_WORDING))
moments = st.sampled_from(
    [timedelta(seconds=s) for s in (1, 30, 75)]
    + [timedelta(minutes=m) for m in (7, 10, 16, 61)]
    + [timedelta(hours=h) for h in (12, 24, 72)]
    + [timedelta(days=100), -timedelta(seconds=1), -timedelta(minutes=3)]
)


class Sms(NamedTuple):
    """What a phone sent, as the SMSC keeps it until we take it."""

    phone: str | None
    sender: Address
    text: str | None
    part: Part | None
    octets: int


class Text(NamedTuple):
    """A text of ours, from the day it was composed."""

    phone: str
    account: Account | None
    password: str | None
    created_at: object
    answers: int | None  #: the MO
    link: str
    retried_at: object = None  #: by the hotline
    refused: bool = False  #: its address, once at least


def sms(who, text, part=None):
    octets = blake2b(repr((text, part)).encode(), digest_size=7).digest()
    phone, sender = who
    return Sms(phone, sender, text, part, int.from_bytes(octets))


class Carrier:
    """One link, with what it holds in memory, and its SMSC."""

    def __init__(self, name):
        self.name, self.carrier = name, CARRIERS[name]
        self.up = True
        self.session = 0  # its number; each has another
        self.room = 100
        self.held = {}  # MT -> (Mt, number at the SMSC, end of its lease or None: over)
        self.late = []  # (MT, number): reported as unanswered, may still be answered


class Service(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        # In memory where that is possible: thousands of commits need not reach a disk.
        memory = Path("/dev/shm")  # noqa: S108
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.sessions = itertools.count(1)
        self.numbers = itertools.count(7_000_001, 997)
        self.refs = itertools.count(3)

    def gateway(self):
        """Where the base is, as the configuration has it: in a file."""
        return {"database": str(Path(self.folder.name, "smsgw.db"))}

    @initialize(
        repeat=st.booleans(),
        max_reminders=st.sampled_from([0, 1, 2]),
        undelivered=st.sampled_from([0, 1, 2, 3]),
        ttl=st.sampled_from(["2h", "3d"]),
        limit=st.sampled_from([0, 3]),
        hours=st.sampled_from(["07:00-22:00", "00:00-24:00"]),
    )
    def open(self, repeat, max_reminders, undelivered, ttl, limit, hours):
        self.house = House(
            Path(self.folder.name),
            gateway=self.gateway(),
            links={name: {"carrier": carrier} for name, carrier in CARRIERS.items()},
            registration={
                "repeat": "reset" if repeat else "refuse",
                "max_reminders": max_reminders,
                "undelivered_reminders": undelivered,
                "password_ttl": ttl,
                "reminder_hours": hours,
            },
            limits={"replies_per_phone_per_hour": limit},
        )
        self.limit = limit
        self.ttl = self.house.settings.registration.password_ttl
        self.dispatch = Dispatch(
            repeat=repeat, max_reminders=max_reminders, undelivered=undelivered, ttl=self.ttl
        )
        self.issuer = self.house.issuer = self.house.gateway.tools.issuer = FewIssued(1000)
        vault = Vault.open(self.house.settings.gateway.secret_key_file, create=False)
        self.hotline_store = open_store(self.house.path)
        rules = self.house.gateway.rules
        self.hotline = Hotline(Gateway(self.hotline_store, rules, vault, OnDemand(8)))
        self.carriers = {name: Carrier(name) for name in LINKS}
        for carrier in self.carriers.values():
            carrier.session = next(self.sessions)
        self.last_id = 0
        self.mos = {}  # id -> (phone as stored, Outcome, when)
        self.mts = {}  # id -> Text
        self.states = {}  # MT -> (table, state)
        self.ended = {}  # MT that failed or was cancelled -> since when
        self.seen = Seen()
        self.long_texts = {}  # (phone, ref) -> LongText
        self.way = {}  # (phone, ref) -> the carrier that has all its parts
        self.known = []  # every Sms that was ever sent
        self.air = []  # what the SMSCs have not delivered, or we have not answered
        self.parked = []  # (Mo, Sms) that wait for a password
        self.recorded = {}  # MT -> number under which it was taken first
        self.submitted = {}  # number at the SMSC -> (MT, link, Address)
        self.unanswered = Counter()  # MT -> how often an SMSC that lived on said nothing
        self.held = set()  # MTs that leave no more by themselves
        self.early = {}  # number -> (state, when) of receipts that came too early

    def teardown(self):
        if hasattr(self, "house"):
            try:
                self.calm()
                self.agree()
            finally:
                self.house.store.close()
                self.hotline_store.close()
        self.folder.cleanup()

    # --- reading the database -----------------------------------------------------------------

    @property
    def now(self):
        return self.house.now

    def rows(self, query, *values):
        store: Any = self.house.store  # as its engine has it
        return store._by_place(query, values)

    def orphans(self):
        """Rows that refer to none."""
        return self.rows("PRAGMA foreign_key_check")

    def find_new(self):
        """New MOs and MTs of the last step; their ids were never used before."""
        mos = self.rows(
            "SELECT mo.id, phone, outcome FROM mo JOIN subscribers s ON s.id = subscriber_id"
            " WHERE mo.id > ? ORDER BY mo.id",
            self.last_id,
        )
        mts = self.rows(
            "SELECT o.id, phone, account_id, sealed, mo_id, link FROM outbox o"
            " JOIN subscribers s ON s.id = subscriber_id WHERE o.id > ? ORDER BY o.id",
            self.last_id,
        )
        ids = [row[0] for row in mos + mts]
        assert len(ids) == len(set(ids))
        self.last_id = max([self.last_id, *ids])
        for id_, phone, outcome in mos:
            self.mos[id_] = phone, Outcome(outcome), self.now
        if mts:  # a transaction learns at its begin which data keys others have made
            self.house.gateway.probe(self.now)
        for id_, phone, account_id, sealed, mo_id, link in mts:
            password = self.house.gateway.tools.seals.keys.unseal(id_, sealed) if sealed else None
            account = None if account_id is None else self.account_of(account_id)
            self.mts[id_] = Text(phone, account, password, self.now, mo_id, link)
            self.states[id_] = WAITS
        return [(phone, Outcome(outcome)) for _, phone, outcome in mos], [row[0] for row in mts]

    def account_of(self, id_):
        ((cmnd, state),) = self.rows("SELECT cmnd, state FROM accounts WHERE id = ?", id_)
        assert state != AccountState.CLOSED
        return self.dispatch.holder(cmnd=cmnd)

    # --- texts come in ------------------------------------------------------------------------

    def take(self, arrivals, *, crash=False):
        """One batch; *crash*: the process dies between the commit and the answers."""
        room = {c.name: c.room if c.up else 0 for c in self.carriers.values()}
        batch = Expected(self.issuer.left)
        expected = [self.expect(mo, each, batch) for mo, each in arrivals]
        done = self.house.gateway.commit(Batch(mos=[mo for mo, _ in arrivals], room=room), self.now)
        assert [answer for answer, *_ in expected] == done.answers
        assert self.issuer.left == batch.stock
        recorded, new = self.find_new()
        kept = [row for row in expected if row[2] is not None]
        assert [(phone, outcome) for _, phone, outcome, _, _ in kept] == recorded
        answered = [row for row in kept if row[2] in ANSWERED]
        assert [phone for _, phone, *_ in answered] == [self.mts[id_].phone for id_ in new]
        for id_, (_, _, outcome, account, link) in zip(new, answered, strict=True):
            text = self.mts[id_]
            assert (account, link) == (text.account, text.link)
            assert (self.mos[text.answers][:2]) == (text.phone, outcome)
            if account:
                account.issued(id_, text.password, self.now)
        for name in LINKS:
            mine = [id_ for id_ in new if self.mts[id_].link == name]
            assert mine[: room[name]] == [mt.id for mt in done.replies if mt.link == name]
        if crash:
            self.air += [each for _, each in arrivals]
            self.restart()
            return
        for mt in done.replies:
            self.hold(mt)
        again = [pair for pair, row in zip(arrivals, expected, strict=True) if row[0] is None]
        if done.passwords_wanted:
            self.parked += again
        elif again:  # their turn comes with the next batch
            self.take(again)

    def expect(self, mo, each, batch):
        """(answer, phone, outcome, account with a new password, link) that *mo* must lead to."""
        phone, text, octets = each.phone, each.text, each.octets
        if phone is None or text in OWN_WORDING:
            return Answer.OK, phone or each.sender.number, Outcome.IGNORED, None, mo.link
        if each.part:
            whole = self.part_comes(phone, each, mo)
            if whole is None:
                return Answer.OK, None, None, None, None
            text, octets = whole.text, whole.octets
        outcome, account = self.outcome(phone, text, octets, mo, batch)
        if outcome is None:
            if each.part:
                del whole.parts[each.part.number]
                whole.joined = False
            return None, None, None, None, None
        return Answer.OK, phone, outcome, account, mo.link

    def outcome(self, phone, text, octets, mo, batch):
        carrier, session = CARRIERS[mo.link], mo.session
        if self.seen.again(phone, carrier, octets, session, self.now):
            return Outcome.RETRANSMISSION, None
        replied = batch.replied[phone] + sum(
            text.phone == phone and text.answers is not None and text.created_at > self.now - HOUR
            for text in self.mts.values()
        )
        request = VALID.get(text)
        if phone in FOREIGN or (self.limit and replied >= self.limit):
            outcome, account = Outcome.IGNORED, None
        else:
            outcome, account = self.dispatch.decide(phone, request, carrier, self.now)
            if outcome is Outcome.REGISTERED and account in batch.touched:
                return None, None  # it has just got one; its turn comes with the next batch
            if account and not batch.stock:
                return None, None
        if account:
            batch.stock -= 1
            batch.touched.append(account)
            if account in self.dispatch.accounts:
                self.supersede(account)
                account.resets.append(self.now)
            else:
                self.dispatch.accounts.append(account)
        self.seen.add(phone, carrier, octets, session, self.now)
        batch.replied[phone] += outcome in ANSWERED
        return outcome, account

    def part_comes(self, phone, each, mo):
        """The long text if *each* makes it whole."""
        key, number, total = (phone, each.part.ref), each.part.number, each.part.total
        whole = self.long_texts.get(key)
        old = whole.parts.get(number) if whole else None
        fresh = old and old[0] == each.octets and self.now - whole.started < KNOWN_WITHIN
        if fresh and old[2] != mo.session:
            return None
        if whole and whole.joined and whole.total == total and old is None:
            return None  # too late
        if whole is None or whole.joined or whole.total != total:
            whole = self.long_texts[key] = LongText(total, self.now)
        whole.parts[number] = each.octets, each.part.octets.decode(), mo.session, mo.link
        if len(whole.parts) < total:
            return None
        whole.joined = True
        return whole

    def supersede(self, account):
        if self.states.get(account.mt) in (WAITS, ("outbox", "failed")):
            self.end(account.mt, MtState.CANCELLED)

    def arrive(self, smses, carrier):
        """Each as the desk would take it over from *carrier*: a copy of one that is not answered
        waits with the first, and gets its answer."""
        waiting = {(mo.link, mo.sender.number, mo.fingerprint) for mo, _ in self.parked}
        arrivals = []
        for each in smses:
            if each.part:  # whoever has one part of a text has the others
                way = self.way.setdefault((each.phone, each.part.ref), carrier.carrier)
                if way != carrier.carrier:
                    if each not in self.air:
                        self.air.append(each)
                    continue
            key = carrier.name, each.sender.number, each.octets
            if key not in waiting:
                mo = Mo(
                    carrier.name, carrier.session, each.sender, each.text, each.octets, each.part
                )
                waiting.add(key)
                arrivals.append((mo, each))
        return arrivals

    def pick(self, wanted):
        """The Sms that a rule drew: new ones, ones that wait in the air, ones sent again."""
        smses = []
        for kind, what in wanted:
            if kind == "new":
                smses.append(sms(*what))
                self.known.append(smses[-1])
            elif kind == "air" and self.air:
                smses.append(self.air.pop(what % len(self.air)))
            elif kind == "again" and self.known:
                smses.append(self.known[-1 - what % min(len(self.known), 4)])
        return smses

    wanted = st.lists(
        st.one_of(
            st.tuples(st.just("new"), st.tuples(senders, texts)),
            st.tuples(st.just("air"), st.integers(0, 9)),
            st.tuples(st.just("again"), st.integers(0, 3)),
        ),
        min_size=1,
        max_size=4,
    )

    @rule(wanted=wanted, name=st.sampled_from(LINKS))
    def texts_come(self, wanted, name):
        self.take(self.arrive(self.pick(wanted), self.carriers[name]))

    @rule(wanted=wanted, name=st.sampled_from(LINKS))
    def process_dies_before_it_answers(self, wanted, name):
        self.take(self.arrive(self.pick(wanted), self.carriers[name]), crash=True)

    @rule(
        who=st.sampled_from(WRITTEN[:2]),
        pieces=st.sampled_from(sorted(PIECES)),
        two=st.booleans(),
        ref=st.integers(0, 2),
        order=st.permutations(range(4)),
        lost=st.sampled_from([None, None, 0, 1]),
    )
    def long_text_is_sent(self, who, pieces, two, ref, order, lost):
        pieces = (pieces[0] + pieces[1], pieces[2]) if two else pieces
        # A phone uses a reference again, but not while the text before it is under way.
        under_way = self.air + [each for _, each in self.parked]
        if any(each.part and each.part.ref == f"8:{ref}" for each in under_way):
            ref = next(self.refs)
        parts = [
            sms(who, None, Part(f"8:{ref}", len(pieces), n, 4, piece.encode(), (0, 0)))
            for n, piece in enumerate(pieces, start=1)
            if n - 1 != lost
        ]
        self.known = [each for each in self.known if not each.part or each.part.ref != f"8:{ref}"]
        self.known += parts
        self.air += [parts[n] for n in order if n < len(parts)]

    @rule(left=st.sampled_from([0, 1, 1000]))
    def stock_changes(self, left):
        self.issuer.left = left
        parked, self.parked = self.parked, []
        if parked:
            self.take(parked)

    # --- texts go out -------------------------------------------------------------------------

    def hold(self, mt):
        """A link has *mt* now, and submits it."""
        carrier, text = self.carriers[mt.link], self.mts[mt.id]
        assert self.states[mt.id] == WAITS
        assert mt.id not in self.held
        assert mt.id not in carrier.held or carrier.held[mt.id][2] is None
        assert septets(mt.text) <= 160
        assert {address: phone for phone, address in WRITTEN}[mt.to] == text.phone
        assert (text.answers is None and mt.text.startswith("Mat khau")) == mt.reminder
        if text.account:
            account = text.account
            assert (account.mt, account.state) == (mt.id, AccountState.ISSUED)
            assert f"TK: {account.cmnd}," in mt.text
            assert account.password == text.password == password_in(mt.text)
            assert self.now < account.issued_at + self.ttl == mt.valid_until
        number = next(self.numbers)
        self.submitted[number] = mt.id, mt.link, mt.to
        carrier.held[mt.id] = mt, number, self.now + self.house.gateway.rules.lease

    @rule(name=st.sampled_from(LINKS), room=st.sampled_from([1, 100]))
    def link_claims(self, name, room):
        if self.carriers[name].up:
            self.claim(name, room)

    def claim(self, name, room):
        claim = self.house.gateway.claim(name, room, self.now)
        for mt in claim.mts:
            assert mt.link == name
            assert not mt.reminder or self.reminders_may_leave
            self.hold(mt)
        assert len(claim.mts) <= room
        self.see_ended()
        return claim

    def see_ended(self):
        """What the gateway sends no more: it waited for a day, or its password has lapsed."""
        for id_, state in self.rows("SELECT id, state FROM outbox WHERE state <> 'queued'"):
            if self.states[id_] == WAITS:
                text = self.mts[id_]
                if state == MtState.FAILED:
                    assert self.age(id_) >= GIVE_UP_AFTER
                else:
                    assert text.account.issued_at + self.ttl <= self.now
                self.end(id_, state)

    def age(self, id_):
        return self.now - (self.mts[id_].retried_at or self.mts[id_].created_at)

    def end(self, id_, state):
        self.states[id_] = "outbox", state
        self.held.discard(id_)

    @property
    def reminders_may_leave(self):
        local = self.now + timedelta(hours=7)
        always = self.house.settings.registration.reminder_hours.allows(local.replace(hour=3))
        return always or 7 <= local.hour < 22

    def smsc_id(self, number, link):
        return f"{number:X}" if link == "viettel" else str(number)

    @rule(
        name=st.sampled_from(LINKS),
        verdict=st.sampled_from(["taken", "taken", "postponed", "throttled", "refused", "silent"]),
        count=st.sampled_from([1, 2, 100]),
    )
    def smsc_answers(self, name, verdict, count):
        carrier = self.carriers[name]
        results: list[SubmitResult] = []
        for id_ in list(carrier.held)[:count]:
            _, number, _ = carrier.held.pop(id_)
            match verdict:
                case "taken":
                    results.append(Taken(id_, self.smsc_id(number, name)))
                    self.smsc_took(id_, number)
                case "refused":
                    results.append(Refused(id_, "ESME_RINVDSTADR", address=True))
                    if self.states[id_] == WAITS:
                        self.states[id_] = "outbox", "failed"
                        if not self.mts[id_].refused:  # a text counts once
                            self.mts[id_] = self.mts[id_]._replace(refused=True)
                            self.had_last_word(id_, delivered=False)
                case "silent":
                    results.append(Unanswered(id_, "no answer", link_lost=False))
                    carrier.late.append((id_, number))
                    self.unanswered[id_] += self.states[id_] == WAITS
                    if self.states[id_] == WAITS and self.unanswered[id_] >= MOST_UNANSWERED:
                        self.held.add(id_)
                case _:
                    results.append(Postponed(id_, "ESME_RMSGQFUL", verdict == "throttled"))
        self.house.settle(*results, link=name)

    @rule(name=st.sampled_from(LINKS))
    def smsc_answers_late(self, name):
        for id_, number in self.carriers[name].late:
            self.smsc_took(id_, number)
            self.house.settle(Taken(id_, self.smsc_id(number, name)), link=name)
        self.carriers[name].late.clear()

    def smsc_took(self, id_, number):
        if self.states[id_][0] == "outbox":
            self.states[id_] = "sent", "sent"
            self.held.discard(id_)
            self.recorded[id_] = number
        if self.early.get(number):
            self.early[number].pop(0)
            self.reported(id_, number)

    def reported(self, id_, number):
        if self.states[id_] == ("sent", "sent"):
            self.states[id_] = "sent", self.word(number)
            self.had_last_word(id_, delivered=self.word(number) is MtState.DELIVERED)

    def had_last_word(self, id_, *, delivered):
        """The carrier told what became of a text; too many that reached nobody end a password."""
        account = self.mts[id_].account
        if account in self.dispatch.accounts and account.reported(
            delivered, self.dispatch.undelivered
        ):
            self.supersede(account)
            account.end_password()

    def word(self, number):
        return MtState.DELIVERED if number % 2 else MtState.FAILED

    @precondition(lambda self: self.submitted)
    @rule(
        way=st.integers(0, 9),
        which=st.integers(0, 30),
        form=st.sampled_from(["{:X}", "{:x}", "{}", "000{}", "00{:x}"]),
    )
    def receipt_comes(self, which, form, way):
        number = sorted(self.submitted)[-1 - which % len(self.submitted)]
        id_, link, to = self.submitted[number]
        links = [name for name in LINKS if CARRIERS[name] == CARRIERS[link]]
        link = links[way % len(links)]  # another bind may bring it
        receipt = Receipt(link, form.format(number), self.word(number), "stat", to)
        self.house.receive(receipt)
        if self.recorded.get(id_) == number and self.states.get(id_) == ("sent", "sent"):
            self.reported(id_, number)
        else:
            self.early.setdefault(number, []).append(self.now)

    # --- carriers, clock, process -------------------------------------------------------------

    @rule(name=st.sampled_from(LINKS), room=st.sampled_from([0, 1, 100]), up=st.booleans())
    def carrier_goes_or_comes(self, name, room, up):
        carrier = self.carriers[name]
        carrier.room = room
        if carrier.up:
            lost = [Unanswered(id_, "connection lost", link_lost=True) for id_ in carrier.held]
            self.house.settle(*lost, link=name)
        # What we have not answered comes again on the next session.
        self.air += [each for mo, each in self.parked if mo.session == carrier.session]
        carrier.held.clear()
        carrier.late.clear()
        carrier.up, carrier.session = up, next(self.sessions)
        if up:
            self.release(name)

    def release(self, name):
        """The link has bound anew."""
        mine = {id_ for id_ in self.held if self.mts[id_].link == name}
        assert bool(mine) == self.house.gateway.release_held(name, self.now)
        self.held -= mine

    @rule(delta=moments)
    def clock_moves(self, delta):
        self.house.now += delta

    @rule()
    def restart(self):
        self.air += [each for _, each in self.parked if each not in self.air]
        self.parked.clear()
        for carrier in self.carriers.values():
            carrier.held.clear()
            carrier.late.clear()
            carrier.session = next(self.sessions)
        self.held.clear()  # all links bind anew
        self.house.restart()

    # --- jobs ---------------------------------------------------------------------------------

    @rule(by_hand=st.booleans())
    def expiry_passes(self, by_hand):
        gateway = self.hotline if by_hand else self.house.gateway
        for account in self.dispatch.accounts:
            if account.is_open and account.lapses and account.issued_at > self.now + CLOCK_SLACK:
                account.issued_at = self.now  # the clock was set back: none lives longer for it
        done = gateway.expire(self.now)
        due, last = self.dispatch.lapsed(self.now)
        if not self.reminders_may_leave:
            due, last = [], []
        lapsed = [account for account in due if account not in last]
        _, new = self.find_new()
        replaced = [self.mts[id_].account for id_ in new]
        assert (done.replaced, done.ended) == (len(new), len(last))
        if by_hand:
            assert len(lapsed) == len(new)
        else:
            assert min(len(lapsed), self.issuer.left + len(new)) == len(new)
        left = [account for account in lapsed if account not in replaced]
        assert all(old.issued_at <= young.issued_at for old in replaced for young in left)
        for id_, account in zip(new, replaced, strict=True):
            assert account in lapsed
            self.supersede(account)
            account.issued(id_, self.mts[id_].password, self.now, asked=False)
            account.reminders += 1
        for account in last:
            self.supersede(account)
            account.end_password()

    @rule()
    def tidy(self):
        overdue = [
            (phone, whole)
            for (phone, _), whole in self.long_texts.items()
            if not whole.joined and whole.started <= self.now - PARTS_WITHIN
        ]
        expected, batch = Counter(), Expected(0)
        for phone, whole in overdue:
            whole.joined = True
            # Whether its parts were sent again was looked at when they came.
            *_, link = whole.in_order[0]
            mo = Mo(link, None, MACHINE[1], None, 0)
            outcome, _ = self.outcome(phone, None, object(), mo, batch)
            expected[phone, outcome] += 1
        self.house.gateway.tidy(self.now)
        while self.house.gateway.renew_seals(self.now):
            pass
        recorded, new = self.find_new()
        assert expected == Counter(recorded)
        assert sum(outcome in ANSWERED for _, outcome in recorded) == len(new)
        for carrier in self.carriers.values():
            for id_, (mt, number, until) in carrier.held.items():
                if until and until <= self.now:
                    carrier.held[id_] = mt, number, None
        self.see_ended()
        leased = {id_ for c in self.carriers.values() for id_, held in c.held.items() if held[2]}
        waits = {id_ for id_, state in self.states.items() if state == WAITS}
        assert not [id_ for id_ in waits - leased if self.age(id_) >= GIVE_UP_AFTER]
        for key, whole in list(self.long_texts.items()):
            if whole.started < self.now - 2 * RETRANSMITTED_WITHIN:
                del self.long_texts[key]
        for number, came in self.early.items():
            self.early[number] = [at for at in came if at >= self.now - HOUR]

    @rule()
    def purge(self):
        """What is past retention goes, but what waits; the newest row of a table may stay."""
        before = self.now - timedelta(days=90)
        for carrier in self.carriers.values():  # nothing is in memory for so long
            self.carrier_goes_or_comes(carrier.name, carrier.room, carrier.up)
        while self.house.gateway.purge(self.now).more:
            pass
        left = {id_ for (id_,) in self.rows("SELECT id FROM mo") + self.rows(ALL_MT)}
        for table, made in (
            (self.mos, {id_: mo[2] for id_, mo in self.mos.items()}),
            (self.mts, {id_: mt.created_at for id_, mt in self.mts.items()}),
        ):
            old = {id_ for id_, at in made.items() if at < before}
            old -= {id_ for id_ in old if self.states.get(id_) == WAITS}
            old -= {self.mts[id_].answers for id_ in self.mts.keys() & left}
            gone = set(table) - left
            assert gone <= old
            assert old - gone <= {max(table, default=0)}
            for id_ in gone:
                del table[id_]
                self.states.pop(id_, None)
        self.submitted = {n: s for n, s in self.submitted.items() if s[0] in self.mts}

    # --- the hotline --------------------------------------------------------------------------

    def ask(self, allowed, verb, *args):
        """The hotline's *verb* does its work, or says why not."""
        try:
            verb(*args, "lan", self.now)
        except SmsgwError:
            assert not allowed
        else:
            assert allowed
        return allowed

    @rule(cmnd=st.sampled_from(CMNDS))
    def hotline_resets_password(self, cmnd):
        account = self.dispatch.holder(cmnd=cmnd)
        if self.ask(account, self.hotline.reset_password, cmnd):
            _, (id_,) = self.find_new()
            self.supersede(account)
            account.issued(id_, self.mts[id_].password, self.now)

    @rule(cmnd=st.sampled_from(CMNDS))
    def hotline_sets_password(self, cmnd):
        account = self.dispatch.holder(cmnd=cmnd)
        allowed = account and account.password != OWN_PASSWORD
        if self.ask(allowed, self.hotline.set_password, cmnd, OWN_PASSWORD):
            self.supersede(account)
            account.state, account.password = AccountState.ACTIVE, OWN_PASSWORD
            account.mt, account.lapses = None, False

    @rule(cmnd=st.sampled_from(CMNDS), heir=st.sampled_from([None, None, *PHONES]))
    def hotline_closes_account(self, cmnd, heir):
        account = self.dispatch.holder(cmnd=cmnd)
        known = any(each.cmnd == cmnd for each in self.dispatch.accounts)
        close = functools.partial(self.hotline.close_account, reserve_for=heir)
        if self.ask(known if heir else account, close, cmnd, "asked to"):
            self.dispatch.reserved.pop(cmnd, None)
            if heir:
                self.dispatch.reserved[cmnd] = heir, self.now + RESERVED_FOR
            if account:
                self.supersede(account)
                account.end_password()
                account.state, account.closed_at = AccountState.CLOSED, self.now

    def in_outbox(self, which):
        waits = [id_ for id_ in sorted(self.states) if self.states[id_][0] == "outbox"]
        return waits[which % len(waits)] if waits else 0

    @rule(which=st.integers(0, 9))
    def hotline_retries_reply(self, which):
        id_ = self.in_outbox(which)
        account = self.mts[id_].account if id_ else None
        alive = not account or (account.mt, account.state) == (id_, AccountState.ISSUED)
        if account and account.lapses and account.issued_at + self.ttl <= self.now:
            alive = False  # the next pass replaces it
        if account and id_ in self.ended and self.now - self.ended[id_] >= KEPT:
            alive = False  # its password is wiped, or will be
        if self.ask(id_ and alive, self.hotline.retry, id_):
            self.states[id_] = WAITS
            # It may leave a second time; and its day begins again.
            self.mts[id_] = self.mts[id_]._replace(retried_at=self.now)
            del self.unanswered[id_]
            self.held.discard(id_)
            for carrier in self.carriers.values():
                if id_ in carrier.held:
                    carrier.held[id_] = *carrier.held[id_][:2], None

    @rule(which=st.integers(0, 9))
    def hotline_cancels_reply(self, which):
        id_ = self.in_outbox(which)
        allowed = id_ and self.states[id_] != ("outbox", "cancelled")
        if self.ask(allowed, self.hotline.cancel, id_):
            self.end(id_, MtState.CANCELLED)

    @rule(who=people, text=texts)
    def hotline_tries_text(self, who, text):
        trial = self.hotline.try_text(who[1].number, text or "", self.now)
        outcome = Outcome.IGNORED
        if who[0] is not None and text not in OWN_WORDING:
            replied = sum(
                text.phone == who[0]
                and text.answers is not None
                and text.created_at > self.now - HOUR
                for text in self.mts.values()
            )
            if not (self.limit and replied >= self.limit):
                # It comes by the carrier of the account, whatever that is.
                mine = self.dispatch.holder(phone=who[0])
                carrier = mine.carrier if mine else "viettel"
                outcome, _ = self.dispatch.decide(who[0], VALID.get(text), carrier, self.now)
        assert outcome == trial.outcome
        assert (outcome in ANSWERED) == (trial.reply is not None)
        assert not trial.reply or "MK: " not in trial.reply or "MK: ********" in trial.reply

    @rule(ago=moments)
    def hotline_looks(self, ago):
        """Every report can be drawn, and leaves nothing out."""
        store = self.hotline_store
        since = self.now - ago
        made = {id_: mo[2] for id_, mo in self.mos.items()}
        made |= {id_: mt.created_at for id_, mt in self.mts.items()}
        expected = {id_ for id_, at in made.items() if at >= since}
        assert expected == {m.id for m in store.messages(since=since, limit=10_000)}
        assert len(expected) == sum(
            d.count for d in store.stats(since, self.house.settings.gateway.timezone)
        )
        for phone in PHONES:
            mine = {i for i, text in self.mts.items() if text.phone == phone}
            shown = store.messages(phone=phone, direction=Direction.MT, limit=10_000)
            assert mine == {m.id for m in shown}
            assert {phone} >= {m.phone for m in store.messages(phone=phone, limit=10_000)}
        waits = {i for i, s in self.states.items() if s in (WAITS, ("outbox", "failed"))}
        assert waits == {reply.id for reply in store.outbox()}
        waiting = {id_ for id_, state in self.states.items() if state == WAITS}
        assert len(waiting) == count_all(store).queued
        for key in (*CMNDS, *PHONES):
            try:
                self.hotline.history(key)
            except SmsgwError:
                assert not self.dispatch.holder(cmnd=key)

    # --- what must hold after each step -------------------------------------------------------

    @invariant()
    def agree(self):
        if not hasattr(self, "house"):
            return
        assert [] == self.orphans()
        self.accounts_agree()
        self.messages_agree()
        self.passwords_agree()

    def accounts_agree(self):
        rows = self.rows(
            "SELECT phone, cmnd, state, reminders, undelivered, password_mt_id,"
            " password_expires_at, password_hash, full_name FROM accounts a"
            " JOIN subscribers s ON s.id = a.subscriber_id ORDER BY a.id"
        )
        known = self.dispatch.accounts
        if len(rows) < len(known):  # purged
            gone = [a for a in known if not a.is_open and a.closed_at < self.now - 365 * DAY]
            self.dispatch.accounts = known = [
                a for a in known if a not in gone[: len(known) - len(rows)]
            ]
        for account, row in zip(known, rows, strict=True):
            phone, cmnd, state, reminders, undelivered, mt, expires, hashed, name = row
            assert (account.phone, account.cmnd, account.state) == (phone, cmnd, state)
            assert (account.reminders, account.mt) == (reminders, mt)
            assert account.undelivered == undelivered
            assert "nguyen van an" == name.lower()
            if account.lapses and account.is_open:
                assert account.issued_at + self.ttl == unstamp(expires)
            else:
                assert expires is None
            if account.password is None:
                assert hashed is None
            else:
                assert passwords.verify(hashed, account.password)
        for name in ("phone", "cmnd"):
            values = [getattr(account, name) for account in known if account.is_open]
            assert len(values) == len(set(values))

    def messages_agree(self):
        assert sorted(self.mos) == [id_ for (id_,) in self.rows("SELECT id FROM mo ORDER BY id")]
        assert sorted(self.mts) == sorted(id_ for (id_,) in self.rows(ALL_MT))
        kept = "".join(text for (text,) in self.rows("SELECT text FROM mo WHERE text IS NOT NULL"))
        assert "k7mzq4wp" not in kept.lower()  # what was forwarded
        outbox = self.rows("SELECT id, 'outbox', state FROM outbox ORDER BY id")
        sent = self.rows("SELECT id, 'sent', state FROM sent ORDER BY id")
        assert len(outbox) + len(sent) == len(self.states)  # each in one of them
        assert self.states == {id_: (table, state) for id_, table, state in outbox + sent}
        answers = Counter(text.answers for text in self.mts.values() if text.answers is not None)
        young = self.now - timedelta(days=89)
        for id_, (_, outcome, at) in self.mos.items():
            if at > young:
                assert answers[id_] == (outcome in ANSWERED)

    def passwords_agree(self):
        ended = {id_ for id_, (_, state) in self.states.items() if state in ("failed", "cancelled")}
        ended = {id_ for id_ in ended if self.states[id_][0] == "outbox"}
        self.ended = {id_: self.ended.get(id_, self.now) for id_ in ended}
        for id_, sealed, state in self.rows("SELECT id, sealed, state FROM outbox"):
            text = self.mts[id_]
            if not text.account:
                continue
            current = (text.account.mt, text.account.state) == (id_, AccountState.ISSUED)
            assert current or state == "cancelled"
            assert current or sealed is None
            if sealed is None:
                assert not current or self.now - self.ended[id_] >= KEPT
            else:
                assert (
                    self.house.gateway.tools.seals.keys.unseal(id_, sealed) == text.account.password
                )

    # --- in the end ---------------------------------------------------------------------------

    def calm(self):
        """Carriers, stock and clock are well again: whatever was owed to anybody leaves."""
        self.stock_changes(1000)
        for carrier in self.carriers.values():
            carrier.up, carrier.room = True, 100
            self.release(carrier.name)
            if self.air:
                air, self.air = self.air, []
                self.take(self.arrive(air, carrier))
        for _ in range(100):
            for name in LINKS:
                self.smsc_answers(name, "taken", 1000)
            self.tidy()
            due = [self.claim(name, 100).next_due for name in LINKS]
            if any(carrier.held for carrier in self.carriers.values()):
                continue
            if not any(due):
                break
            self.house.now = max(self.now, min(at for at in due if at))
        assert not [id_ for id_, state in self.states.items() if state == WAITS]


class Expected:
    """What a batch has used up so far."""

    def __init__(self, stock):
        self.stock = stock
        self.touched = []
        self.replied = Counter()


@pytest.fixture
def cheap_hashes(monkeypatch):
    """Real argon2id, at its lowest cost: a run makes thousands of hashes."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))


def run(service, examples):
    examples = int(os.environ.get("MODEL_EXAMPLES", examples))
    steps = int(os.environ.get("MODEL_STEPS", "50"))
    short = "MODEL_EXAMPLES" not in os.environ
    run_state_machine_as_test(
        service,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=short,
            # To make a failing run short takes minutes.
            phases=[Phase.generate] if short else list(Phase),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_gateway_keeps_the_rules_in_any_order_of_events(cheap_hashes):
    run(Service, 40)


def test_gateway_keeps_the_rules_over_a_postgresql(cheap_hashes, postgres):
    class OverPostgres(Service):
        def gateway(self):
            with postgres.connect("smsgw") as db:
                empty(db)
            return Postgres(postgres).gateway(Path(self.folder.name))

        def orphans(self):
            return []  # its tables have no foreign keys: the file's run has looked

    run(OverPostgres, 8)
