"""What is known of those who text in one batch: read from the store once, then kept up to date with
what the batch does.

Several texts of a batch may concern one phone or CMND, so what was decided for the first is what
the second finds. Decides nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.limits import RECORDED_PER_HOUR, Recent
from smsgw.model import Holder, Mo

#: Within this time the same octets on another session are a retransmission.
RETRANSMISSION_WINDOW = timedelta(minutes=15)


class Known:
    """
    Attributes:
        subscribers: the id of each number.
        by_phone: the open account of a subscriber.
        by_cmnd: the open account of a CMND.
        twins: which session brought the last text with that (subscriber, fingerprint).
        heavy: senders of so many texts that limits matter, with their number and what they sent
            in the last hour before this batch.
    """

    def __init__(self, tools: Tools, work: Work) -> None:
        self._store = tools.store
        self._salts = tools.salts
        self._work = work
        self._limit = tools.rules.replies_per_phone
        self._heavy_senders = tools.counts.heavy_senders
        self.subscribers: dict[str, int] = {}
        self.by_phone: dict[int, Holder] = {}
        self.by_cmnd: dict[str, Holder] = {}
        self.twins: dict[tuple[int, int], int] = {}
        self.heavy: dict[int, tuple[str, Recent]] = {}
        # Of those, what this batch adds:
        self._answered: Counter[int] = Counter()
        self._kept: Counter[int] = Counter()

    # --- asked --------------------------------------------------------------------------------

    def learn_senders(self, numbers: Sequence[str], mos: Sequence[Mo] = ()) -> None:
        """Whoever has these *numbers*; new ones get an id.

        Args:
            mos: the text of each, of which twins are looked for.
        """
        store, work, once = self._store, self._work, set(numbers)
        self.subscribers, self.by_phone, self.by_cmnd = store.senders(once)
        subscribers, salts = self.subscribers, self._salts
        if subscribers:
            pairs = {
                (subscribers[number], mo.fingerprint ^ salts[mo.link])
                for number, mo in zip(numbers, mos, strict=False)
                if number in subscribers
            }
            if pairs:
                self.twins = store.twins(pairs, work.now - RETRANSMISSION_WINDOW)
        before = dict(subscribers)
        last, add = work.subscriber, work.changes.add_subscriber
        for number in numbers:
            if number not in subscribers:
                subscribers[number] = last = last + 1
                add(last, number)
        work.subscriber = last
        self._learn_heavy_senders(before, Counter(numbers) if len(once) < len(numbers) else None)

    def _learn_heavy_senders(self, before: Mapping[str, int], texts: Counter[str] | None) -> None:
        """Find out of whom so much came that limits matter.

        Args:
            before: those who have texted before, with their ids.
            texts: how many texts of each this batch has; None: one.
        """
        senders, since = self._heavy_senders, self._work.now - timedelta(hours=1)
        asked = {}
        for number, subscriber in before.items():
            recent = senders.get(number)
            if recent is None:
                asked[subscriber] = number
            else:
                self.heavy[subscriber] = number, recent
        if asked:
            for subscriber, count in self._store.count_recent(asked, since, senders.few).items():
                number = asked[subscriber]
                if count + (texts[number] if texts else 1) > senders.few:
                    found = self._store.recent(subscriber, since, senders.most)
                    self.heavy[subscriber] = number, Recent(found, self._work.at)
        if texts:
            for number, count in texts.items():
                if count > senders.few and number not in before:
                    self.heavy[self.subscribers[number]] = number, Recent()

    def learn_holders(self, cmnds: Collection[str]) -> int:
        """Who has these CMND; of how many nobody has.

        Whoever registers again mostly has the CMND of the account that was found by the phone.
        """
        unknown = [cmnd for cmnd in cmnds if cmnd not in self.by_cmnd]
        if unknown:
            self.by_cmnd |= self._store.holders_by_cmnd(unknown)
        return sum(cmnd not in self.by_cmnd for cmnd in cmnds)

    def learn_text(self, subscriber: int, fingerprint: int) -> None:
        """The twin of one more text; what this batch has done is newer."""
        since = self._work.now - RETRANSMISSION_WINDOW
        self.twins = self._store.twins([(subscriber, fingerprint)], since) | self.twins

    def learn_holder(self, cmnd: str) -> None:
        """The holder of one more CMND; what this batch has done is newer."""
        self.by_cmnd = self._store.holders_by_cmnd([cmnd]) | self.by_cmnd

    # --- limits -------------------------------------------------------------------------------

    def is_past_limit(self, subscriber: int) -> bool:
        """Whether a heavy sender has had all the replies that a phone gets in an hour."""
        if not self._limit:
            return False
        answered = self.heavy[subscriber][1].answered(self._work.at)
        return answered + self._answered[subscriber] >= self._limit

    def has_enough_kept(self, subscriber: int) -> bool:
        """Whether no more of this hour's texts of a heavy sender are kept without an answer."""
        kept = self.heavy[subscriber][1].kept(self._work.at)
        return kept + self._kept[subscriber] >= RECORDED_PER_HOUR

    def keep(self, subscriber: int) -> None:
        """A text of a heavy sender is kept."""
        self._kept[subscriber] += 1

    def answer(self, subscriber: int) -> None:
        """A text of a heavy sender is answered."""
        self._answered[subscriber] += 1

    def committed(self) -> None:
        """What was decided is on the disk: it counts from now on."""
        at = self._work.at
        for subscriber, (number, recent) in self.heavy.items():
            answered, kept = self._answered[subscriber], self._kept[subscriber]
            self._heavy_senders.add(number, recent, at, answered, kept)
