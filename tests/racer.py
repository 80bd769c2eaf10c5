"""One of two processes that change one account: does what it is told, and stops at edges.

A line in, JSON: {"config", "event", "now", "own", "stop"}; lines out: {"at": edge} where it waits
for another line to go on, then {"done": …}. Edges: "proved" (the account was read, nothing is
locked), "commit" (all is written, and others wait for the lock).
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from smsgw import config
from smsgw.errors import SmsgwError
from smsgw.gateway import Batch, Citizens, Gateway, Hotline, Rules
from smsgw.model import Address, Mo
from smsgw.passwords import OnDemand, hash_password
from smsgw.registration.profile import Question
from smsgw.store import open_store
from smsgw.vault import Vault
from tests import raw_sqlite

CMND = "201234567"
PHONE = "84905123456"
TEXT = "TK,Nguyen Van An,201234567,01.02.1990"


class Recorded(OnDemand):
    """Tells afterwards which passwords were drawn."""

    def __init__(self):
        super().__init__(8)
        self.drawn = []

    def take(self, n):
        taken = super().take(n)
        self.drawn += [issued.password for issued in taken]
        return taken


class Racer:
    def __init__(self):
        self.stop = None
        raw_sqlite.before_commit(lambda: self.reach("commit"))

    def reach(self, edge):
        if self.stop == edge:
            self.stop = None
            say(at=edge)
            sys.stdin.readline()

    def run(self, order):
        settings = config.load(Path(order["config"]))
        self.now = datetime.fromisoformat(order["now"])
        self.own = order["own"]
        self.issuer = Recorded()
        store = open_store(settings.gateway.database, create=False, migrate=False)
        try:
            vault = Vault.open(settings.gateway.secret_key_file, create=False)
            self.gateway = Gateway(store, Rules.of(settings), vault, self.issuer)
            self.citizens = Citizens(self.gateway)
            self.hotline = Hotline(self.gateway)
            self.stop = order["stop"]
            try:
                told = getattr(self, order["event"])()
                refused = None
            except SmsgwError as fault:
                told, refused = None, type(fault).__name__
        finally:
            self.stop = None
            store.close()
        return {"told": told, "refused": refused, "drawn": self.issuer.drawn}

    # --- what may happen; each returns the password that its owner was told ---------------------

    def own_password(self):
        proof = self.citizens.proof(CMND, self.now)
        hashed = hash_password(self.own)
        self.reach("proved")
        self.citizens.set_own_password(proof.account, proof.mark, hashed, self.now)
        return self.own

    def set_password(self):
        seen = self.hotline.seen(CMND)
        self.reach("proved")
        self.hotline.set_password(CMND, self.own, "linh", self.now, seen=seen)
        return self.own

    def expire(self):
        self.reach("proved")
        self.gateway.expire(self.now)

    def text(self):
        self.reach("proved")
        mo = Mo("viettel", 1, Address(PHONE, 1, 1), TEXT, hash(self.own) & 0xFFFF)
        self.gateway.commit(Batch(mos=[mo], room={"viettel": 10}), self.now)

    def reset_password(self):
        self.reach("proved")
        self.hotline.reset_password(CMND, "linh", self.now)

    def close(self):
        self.reach("proved")
        self.hotline.close_account(CMND, "moved", "linh", self.now)

    def profile(self):
        proof = self.citizens.proof(CMND, self.now)
        self.reach("proved")
        typed = {"email": f"{self.own}@vidu.vn"}
        faults = self.citizens.save(proof.account, proof.mark, Question.EMAIL, typed, self.now)
        assert not faults


def say(**what):
    print(json.dumps(what), flush=True)


def main():
    racer = Racer()
    for line in sys.stdin:
        say(done=racer.run(json.loads(line)))


if __name__ == "__main__":
    main()
