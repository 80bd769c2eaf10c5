"""A gateway over a real SQLite file, without daemon and wire, and a clock that a test sets."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from smsgw import config
from smsgw.cli.story import story_line
from smsgw.database import Server
from smsgw.gateway import Batch, Gateway, Hotline, Rules, Verdict
from smsgw.model import Address, Direction, Mo, Taken
from smsgw.passwords import Issued, OnDemand, draw, hash_password
from smsgw.simulator import toml
from smsgw.store import open_leases, open_store
from smsgw.vault import Vault

NOON = datetime(2026, 5, 4, 5, 0, tzinfo=UTC)  # 12:00 in Da Nang, a Monday
AN = "84905123456"
BINH = "84905999999"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"
OTHER_TEXT = "TK,Tran Thi Binh,201999999,03.04.1985"


class OneHash:
    """An issuer of as many passwords as anybody wants, all with the hash of another one."""

    def __init__(self):
        self._hash = hash_password(draw(8))

    def take(self, n):
        return [Issued(draw(8), self._hash) for _ in range(n)]

    def give_back(self, unused):
        pass


class FewIssued:
    """An issuer with only so many passwords left, as a stock that runs out."""

    def __init__(self, left, issuer=None):
        self.left = left
        self._issuer = issuer or OnDemand(8)

    def take(self, n):
        taken = self._issuer.take(min(n, self.left))
        self.left -= len(taken)
        return taken

    def give_back(self, unused):
        self.left += len(unused)


class House:
    """The gateway, and a citizen's way to it: `house.text(AN, TEXT)`."""

    def __init__(self, folder, links=None, **sections):
        link = {"host": "127.0.0.1", "port": 2775, "system_id": "smsgw", "password": "secret"}
        document = {
            **sections,
            "gateway": {"database": str(folder / "smsgw.db")} | sections.get("gateway", {}),
            "smsc": [
                {"name": name} | link | (links or {}).get(name, {})
                for name in dict.fromkeys(("viettel", "mobi", *(links or {})))
            ],
        }
        self._document, self._file, self._link = document, folder / "house.toml", link
        self._configure()
        self.path = self.settings.gateway.database
        if isinstance(self.path, Server):
            self.path = replace(self.path, files=folder / "smsgw.db")
        self.now = NOON
        self.issuer: Any = OnDemand(8)
        self._fingerprints = {}
        self.open()

    def _configure(self):
        self._file.write_text(toml.dumps(self._document), encoding="utf-8")
        self._file.chmod(0o600)
        self.settings = config.load(self._file)

    def configure(self, **carriers):
        """Start again with these links, each of that carrier: `configure(mobi="vms")`."""
        links = [{"name": name, "carrier": carrier} for name, carrier in carriers.items()]
        self._document["smsc"] = [table | self._link for table in links]
        self._configure()
        self.restart()

    def open(self):
        named = self._document["gateway"].get("node", "house")
        self.store = open_store(self.path, node=named)
        vault = Vault.open(self.settings.gateway.secret_key_file, create=True)
        self.gateway = Gateway(self.store, Rules.of(self.settings), vault, self.issuer)
        self.hotline = Hotline(self.gateway)
        try:
            self.gateway.start(self.now)
        except BaseException:
            self.store.close()
            raise
        if self.store.is_shared:
            self._take_over(named)

    def _take_over(self, node):
        """Have the leases of all links, as the only node; what was in its memory is due again."""
        links = [link.name for link in self.settings.smsc]
        with closing(open_leases(self.path, node, timedelta(seconds=5))) as leases:
            self.tokens = {row.name: leases.take(row) for row in leases.look(links)[0]}
        for link, token in self.tokens.items():
            assert self.gateway.take_over(link, token, self.now)
            self.gateway.release_held(link, self.now)  # it will bind anew

    def restart(self):
        """As after a crash: nothing in memory is left."""
        self.store.close()
        self.open()

    def later(self, **delta):
        self.now += timedelta(**delta)

    def mo(self, phone, text, *, session=1, link="viettel", part=None, ton=1, npi=1):
        octets = (text, part.octets if part else None)
        fingerprint = self._fingerprints.setdefault(octets, len(self._fingerprints) + 1)
        return Mo(link, session, Address(phone, ton, npi), text, fingerprint, part)

    def take(self, *mos, room=100):
        """Commit *mos* as one batch."""
        rooms = {link.name: room for link in self.settings.smsc}
        done = self.gateway.commit(Batch(mos=mos, room=rooms), self.now)
        done.replies = timeless(done.replies)
        return done

    def text(self, phone, text, **options):
        """One text in a batch of its own: (outcome, replies that leave at once)."""
        done = self.take(self.mo(phone, text, **options))
        (outcome,) = done.outcomes
        return outcome, [mt.text for mt in done.replies]

    def claim(self, link="viettel", room=100):
        claim = self.gateway.claim(link, room, self.now)
        return claim._replace(mts=timeless(claim.mts))

    def settle(self, *results, link="viettel"):
        batch = Batch(results=[(link, result) for result in results])
        return self.gateway.commit(batch, self.now)

    def receive(self, *receipts):
        return self.gateway.commit(Batch(receipts=receipts), self.now)

    def take_all(self, link="viettel"):
        """The SMSC takes whatever is due; the texts, in the order in which they left."""
        texts = []
        while mts := self.claim(link).mts:
            texts += [mt.text for mt in mts]
            self.settle(*(Taken(mt.id, f"id{mt.id}") for mt in mts), link=link)
        return texts

    def account(self, key=AN):
        return self.hotline.exact(key).account

    def opens(self, key, password):
        """Whether that password opens the account now."""
        return opens(self.hotline, key, password, self.now)

    def states(self, **filters):
        """State of each MT, oldest first."""
        return [m.state for m in reversed(self.store.messages(direction=Direction.MT, **filters))]

    def outcomes(self):
        """Outcome of each MO, oldest first."""
        return [m.outcome for m in reversed(self.store.messages(direction=Direction.MO))]


def opens(hotline, key, password, now):
    """Whether that password opens the account; an answer to whoever may ask as often as that."""
    verdict = hotline.check_password(key, password, "test", now).verdict
    assert verdict is not Verdict.NOT_CHECKED
    return verdict is Verdict.RIGHT


def timeless(mts):
    """*mts* without the moment in the process's life at which they were asked for."""
    return [mt._replace(asked_at=None) for mt in mts]


def password_in(text):
    """The password that a reply tells."""
    return text.split("MK: ")[-1].split("MK moi: ")[-1].split(" ")[0]


def story_of(story):
    """A citizen's story in the words of the command line."""
    return [story_line(entry) for entry in story]
