"""What the rooms of the gateway share: the store, the rules, and who does what under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from smsgw.carriers import Carriers
from smsgw.gateway.accounts import Accounts
from smsgw.gateway.composer import Composer, Masking
from smsgw.gateway.counts import Counts
from smsgw.gateway.rules import Rules
from smsgw.gateway.seals import Seals
from smsgw.harmless import masked
from smsgw.logs import redact
from smsgw.model import Account
from smsgw.passwords import Issued, Issuer, Supply
from smsgw.registration.own_wording import OwnWording
from smsgw.store import FINGERPRINT_MASK, MASK, Store, StoreInDoubt


class Salts(dict[str, int]):
    """What each link adds to the fingerprint of a text: links of one carrier add the same, so
    that the same octets by another carrier are another text."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers

    def __missing__(self, link: str) -> int:
        name = self._carriers.of(link).encode()
        salt = int.from_bytes(blake2b(name, digest_size=8).digest(), "big")
        self[link] = salt = salt & FINGERPRINT_MASK
        return salt


class _Masks:
    """An issuer of masks instead of passwords, for who only wants to see a text."""

    def take(self, n: int) -> list[Issued]:
        return [Issued(MASK, "")] * n

    def give_back(self, unused: object) -> None:
        """They were nothing."""


@dataclass(slots=True)
class Tools:
    """
    Attributes:
        issuer: where issued passwords come from; the daemon's stock, or on demand.
        salts: what each link adds to the fingerprint of its texts.
        counts: of the running hour.
    """

    store: Store
    rules: Rules
    issuer: Issuer
    seals: Seals
    carriers: Carriers
    salts: Salts
    own_wording: OwnWording
    counts: Counts
    composer: Composer
    accounts: Accounts

    @classmethod
    def of(cls, store: Store, rules: Rules, issuer: Issuer, seals: Seals) -> "Tools":
        """Those that follow *rules*; what the store remembers is read now."""
        carriers = Carriers(rules.carriers, store.carriers())
        composer = Composer(store, rules.templates, rules.ttl, seals)
        return cls(
            store=store,
            rules=rules,
            issuer=issuer,
            seals=seals,
            carriers=carriers,
            salts=Salts(carriers),
            own_wording=OwnWording([*rules.templates.values(), *store.wordings()]),
            counts=Counts(store, rules.replies_per_phone, rules.replies_per_hour),
            composer=composer,
            accounts=Accounts(composer, carriers, rules.ttl),
        )

    def rehearsal(self) -> "Tools":
        """The same, with masks for passwords and without seals."""
        found = Tools.of(self.store, self.rules, _Masks(), self.seals)
        found.composer = Masking(self.rules.templates, MASK)
        found.accounts = Accounts(found.composer, found.carriers, self.rules.ttl)
        return found

    @contextmanager
    def supply(self, most: int | None = None) -> Iterator[Supply]:
        """At most *most* passwords for what is inside: a store in trouble, or a text that cannot
        be stored, must not use up what was hashed ahead."""
        supply, stored = Supply(self.issuer, most), False
        try:
            yield supply
            stored = True
        except StoreInDoubt:
            stored = True  # the database may yet tell them
            raise
        finally:
            supply.close(stored=stored)

    def no_passwords(self) -> Supply:
        """For what needs none."""
        return Supply(self.issuer, 0)

    def audit(
        self,
        who: str,
        command: str,
        about: Account | str | None,
        detail: str | None,
        now: datetime,
    ) -> int:
        """Add a line to the audit, in the transaction of what it tells; its id.

        Args:
            about: the account, or a number that somebody gave and that is none; it is masked.
            detail: long numbers in it are masked, too.
        """
        account_id = None
        if isinstance(about, Account):
            account_id = about.id
            about = about.cmnd
        account = masked(about) if about else None
        return self.store.note(
            now, who, command, account, redact(detail or ""), account_id=account_id
        )
