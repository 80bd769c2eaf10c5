"""What the configuration means for the gateway: one frozen value, made of the settings.

Whoever follows a rule reads it here, so that new rules are one assignment
(`gateway.rules = Rules.of(settings)`). Knows no store and no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from smsgw.config import Settings, SourceNumbers
from smsgw.model import Reply
from smsgw.registration.hours import ReminderHours
from smsgw.registration.machine import Repeat
from smsgw.registration.replies import templates
from smsgw.smpp.alphabets import Alphabet

#: A time that lies beyond its longest delay by more than this was noted by a wrong clock: two looks
#: at the clock are never so far apart.
CLOCK_SLACK = timedelta(minutes=1)
#: A text that was not answered in time waits for a late answer, for so many response times more.
LATE_ANSWERS = 2
#: Where there is no portal any more, or its table has faults.
LOG_INS_KEPT = timedelta(days=90)
LONGEST_DELAY = timedelta(minutes=10)
#: Where there is no portal any more, or its section has faults.
LOG_INS_KEPT = timedelta(days=90)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every text and account from now on."""

    # Links by name, in the order of the configuration.
    links: tuple[str, ...]
    carriers: Mapping[str, str]  #: of each link
    national: frozenset[str]  #: links whose numbers are national, whatever their TON says
    alphabets: Mapping[str, Alphabet]  #: what data_coding 0 means on each link
    patience: Mapping[str, timedelta]  #: how long each link waits for an answer
    lease: timedelta  #: how long a link may hold a text in memory
    longest_delay: timedelta  #: until the next try of a text that was not taken
    # Citizens and their texts.
    region: str
    zone: tzinfo
    countries: tuple[str, ...]
    replies_per_phone: int  #: an hour; 0: no limit
    replies_per_hour: int  #: to everybody together; 0: no limit
    templates: Mapping[Reply, str]
    # Accounts.
    ttl: int  #: how long an issued password lives, in microseconds
    repeat: Repeat
    check_personal_number: bool
    reminder_hours: ReminderHours
    max_reminders: int  #: 0: no end
    undelivered_reminders: int  #: 0: no end
    own_password_min: int
    password_length: int
    # How long what is kept for people is kept.
    keep_messages: timedelta
    keep_closed_accounts: timedelta
    keep_audit: timedelta
    keep_unused_accounts: timedelta | None  #: None: for ever
    keep_log_ins: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """What *settings* mean."""
        links, registration = settings.smsc, settings.registration
        slowest = max((link.response_timeout for link in links), default=timedelta(0))
        return cls(
            links=tuple(link.name for link in links),
            carriers={link.name: link.carrier for link in links},
            national=frozenset(
                link.name for link in links if link.source_numbers is SourceNumbers.NATIONAL
            ),
            alphabets={link.name: link.default_alphabet for link in links},
            patience={link.name: link.response_timeout for link in links},
            lease=timedelta(seconds=60) + slowest,
            longest_delay=max(LONGEST_DELAY, LATE_ANSWERS * slowest),
            region=settings.gateway.region,
            zone=settings.gateway.timezone,
            countries=tuple(settings.limits.countries),
            replies_per_phone=settings.limits.replies_per_phone_per_hour,
            replies_per_hour=settings.limits.replies_per_hour,
            templates=templates(settings.messages),
            ttl=registration.password_ttl // _MICROSECOND,
            repeat=registration.repeat,
            check_personal_number=registration.check_personal_number,
            reminder_hours=registration.reminder_hours,
            max_reminders=registration.max_reminders,
            undelivered_reminders=registration.undelivered_reminders,
            own_password_min=registration.own_password_min,
            password_length=registration.password_length,
            keep_messages=settings.retention.messages,
            keep_closed_accounts=settings.retention.closed_accounts,
            keep_audit=settings.retention.audit,
            keep_unused_accounts=settings.retention.unused_accounts,
            keep_log_ins=settings.portal.logins_kept if settings.portal else LOG_INS_KEPT,
        )

    def today(self, now: datetime) -> date:
        """The date where the citizens live."""
        return now.astimezone(self.zone).date()

    def local_minute(self, moment: datetime) -> str:
        """*moment* as people there write it, to the minute."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def reminders_may_leave(self, now: datetime) -> bool:
        return self.reminder_hours.allows(now.astimezone(self.zone))

    def reminders_start(self, now: datetime) -> datetime:
        """The first moment from *now* on at which reminders may leave."""
        return self.reminder_hours.next_start(now.astimezone(self.zone))

    def alphabet(self, link: str) -> Alphabet:
        """What data_coding 0 means on *link*; on one that is gone, what it means on the first."""
        return self.alphabets.get(link) or next(iter(self.alphabets.values()))
