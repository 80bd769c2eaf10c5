"""What a command works with: settings, store and hotline, each opened when first asked for.

Knows how to build them. Must not know a command.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smsgw import clock, lock

if TYPE_CHECKING:  # what a command does not use, it does not import
    from smsgw.carriers import Carriers
    from smsgw.cli.show import Eye
    from smsgw.config import Settings
    from smsgw.hotline import Hotline
    from smsgw.store.store import Store
    from smsgw.vault import Vault


#: How long a command waits for its turn at the database. A daemon under load on a slow disk lets
#: go of it for moments only.
PATIENCE = timedelta(seconds=30)


class Office:
    """One command's desk. Closed by the command line when the command is over."""

    def __init__(self, config: str | None) -> None:
        self._config = config

    @cached_property
    def config_file(self) -> Path:
        """Which configuration is read.

        Raises:
            ConfigError: there is none.
        """
        from smsgw import config

        return config.find(self._config)

    @cached_property
    def settings(self) -> "Settings":
        """The configuration without the secrets of the links, which only the daemon can read.

        Raises:
            ConfigError: with everything that is wrong with it.
        """
        from smsgw import config

        return config.load(self.config_file, connecting=False)

    @cached_property
    def daemon_settings(self) -> "Settings":
        """The whole configuration.

        Raises:
            ConfigError: with everything that is wrong with it.
        """
        from smsgw import config

        return config.load(self.config_file)

    @property
    def database(self) -> Path:
        return self.settings.gateway.database

    @cached_property
    def store(self) -> "Store":
        """The database of a gateway that ran before: a command never makes one.

        Raises:
            SmsgwError: there is none, or it cannot be opened.
        """
        from smsgw import logs
        from smsgw.store.store import Store

        level = self.settings.log.level
        logs.configure("warning" if level == "info" else level, self.settings.log.format)
        alone = self.daemon_pid is None
        return Store.open(
            self.database,
            create=False,
            busy_timeout=PATIENCE,
            copies_log=alone,
            migrate=False,
        )

    @cached_property
    def carriers(self) -> "Carriers":
        """Which links stand in for one another."""
        from smsgw.carriers import Carriers

        configured = {link.name: link.carrier for link in self.settings.smsc}
        return Carriers(configured, self.store.carriers())

    @cached_property
    def hotline(self) -> "Hotline":
        """The verbs of the hotline.

        Raises:
            SmsgwError: as `store`.
        """
        from smsgw.vault import Vault

        return self._hotline(self.store, Vault.deferred(self.settings.gateway.secret_key_file))

    @contextmanager
    def trial_hotline(self) -> "Iterator[Hotline]":
        """As `hotline`; before the first start of the daemon over a base where nobody is.

        Raises:
            SmsgwError: there is a base, and it or the secret key cannot be read.
        """
        from smsgw.store.store import Store
        from smsgw.vault import KEY_OCTETS, Vault

        if self.database.exists():
            yield self.hotline
            return
        with closing(Store.in_memory()) as store:
            yield self._hotline(store, Vault([os.urandom(KEY_OCTETS)]))

    def _hotline(self, store: "Store", vault: "Vault") -> "Hotline":
        from smsgw.hotline import Hotline
        from smsgw.passwords import OnDemand

        issuer = OnDemand(self.settings.registration.password_length)
        return Hotline(store, self.settings, vault, issuer)

    @cached_property
    def now(self) -> datetime:
        """When the command was called, in UTC: one moment for all that it does."""
        return clock.now()

    @cached_property
    def eye(self) -> "Eye":
        """Who looks at what is printed."""
        from smsgw.cli.show import Eye

        return Eye(self.settings.gateway.timezone, self.now)

    @property
    def daemon_pid(self) -> int | None:
        return lock.daemon_pid(self.database)

    def ring_daemon(self) -> bool:
        """Have the daemon look at the outbox at once; False: none runs."""
        return lock.ring_daemon(self.database)

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()


pass_office = click.make_pass_decorator(Office)
