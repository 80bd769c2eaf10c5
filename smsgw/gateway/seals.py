"""What the gateway does with keys: seals the passwords that wait, and lets the keys die in time.

How it is done stands in `datakeys` and `reseal`; here is when, and what a fault of the keys means
for a transaction.
"""

import logging
from datetime import datetime

from smsgw.clock import stamp
from smsgw.datakeys import DataKey, DataKeys, Home, KeyFile, file_of
from smsgw.errors import SmsgwError, WrongKey
from smsgw.gateway.key_table import KeyTable
from smsgw.reseal import Walk
from smsgw.store import Store, StoreUnavailable
from smsgw.vault import KeyFault, KeyUnknown, Vault

log = logging.getLogger("smsgw.vault")


class Seals:
    """The seals of one outbox.

    Attributes:
        keys: the data keys.
        turned: the transaction for which there is one that is young enough.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        home: Home | None = None
        if store.is_shared:
            home = KeyTable(store)
        elif store.path is not None:
            home = KeyFile(file_of(store.path))
        self.keys = DataKeys(vault, home)
        self._walk = Walk(store, self.keys)
        self.turned = -1
        self._rotates = False  # what former secret keys sealed is looked for
        self._traces = False  # data keys may still stand in the database, deleted

    def turn(self, at: int) -> None:
        """Have a data key that is young enough, on the disk before what is sealed with it: once in
        each transaction that seals, before its first `keys.seal`.

        Raises:
            StoreUnavailable: no key can be kept now.
        """
        try:
            self.keys.turn(at)
        except KeyFault as fault:
            raise StoreUnavailable(fault.problem, fault.remedy) from fault
        self.turned = self._store.transactions

    def unseal(self, mt_id: int, sealed: bytes) -> str:
        """The password that was sealed for the text *mt_id*.

        Raises:
            KeyUnknown, SealBroken: it cannot be read any more.
            StoreUnavailable: the keys cannot be read now.
        """
        try:
            try:
                return self.keys.unseal(mt_id, sealed)
            except KeyUnknown:
                # The database may have been replaced by a copy, which brings its keys.
                if not self._adopt():
                    raise
                return self.keys.unseal(mt_id, sealed)
        except KeyFault as fault:  # not this text's, and it may pass
            raise StoreUnavailable(fault.problem, fault.remedy) from fault

    def _adopt(self) -> bool:
        """Take the data keys of a copy out of it, and seal all with today's secret key; whether
        there were some."""
        if self._store.is_shared:  # they are where they belong
            self.keys.adopt([])
            return False
        found = [DataKey(*row) for row in self._store.data_keys()]
        self.keys.adopt(found)
        if found:
            self._store.forget_data_keys()  # the file is on the disk, and has them
            self._traces = True
        return bool(found)

    def take_over(self, now: datetime) -> None:
        """Begin anew, with the keys of the daemon before us; inside a transaction.

        Raises:
            SmsgwError: other nodes seal with a secret key that is not among ours.
        """
        known = self._store.fact("key_id")
        if self._store.is_shared and known is not None and not self.keys.has_secret(int(known)):
            raise SmsgwError(
                "the other nodes of this database seal with another secret key",
                "copy the secret key file of one of them to here",
            )
        self._store.set_fact("key_id", str(self.keys.key_id))
        self._adopt()
        self._rotates = self.keys.has_former
        self.keys.retire_all(stamp(now))
        self.turn(stamp(now))  # so that what is wrong with it is said now

    def check_key(self) -> None:
        """Refuse to seal what the daemon could not open.

        Raises:
            WrongKey: the daemon seals with another key than we have.
        """
        known = self._store.fact("key_id")
        if known is not None and known != str(self.keys.key_id):
            raise WrongKey

    def renew(self, now: datetime) -> bool:
        """One step of the walk that lets data keys die; true: there is more to do.

        Raises:
            StoreUnavailable, KeyFault: nothing was done.
        """
        if self._walk.step(now):
            return True
        if self._rotates:
            self._rotates = False
            log.info("the secret key was rotated: what waits needs its former lines no more")
        self._traces = self._traces and not self._store.truncate_log()
        return False

    def end(self, now: datetime) -> None:
        """Nothing is sealed any more for a while: keep the keys of what waits, and no other.

        Raises:
            StoreUnavailable, KeyFault: they stay until the next start.
        """
        self.keys.retire_texts(stamp(now))
        for _ in range(2):  # the first walk may find that what waits needs another key
            while self._walk.step(now):
                pass
