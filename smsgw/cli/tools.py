"""What a command works with: settings, store and hotline, each opened when first asked for.

Knows how to build them. Must not know a command.
"""

import os
import pwd
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smsgw import clock
from smsgw.harmless import harmless

if TYPE_CHECKING:  # what a command does not use, it does not import
    from smsgw.carriers import Carriers
    from smsgw.config import Settings
    from smsgw.database import Database
    from smsgw.gateway import Hotline
    from smsgw.store import AccountRow, Store
    from smsgw.vault import Vault
    from smsgw.words import Viewer

T = TypeVar("T")

#: How long a look-up waits to leave its line in the audit, without which it goes on.
NOTE_PATIENCE = timedelta(seconds=2)
#: How long a command waits for its turn at the database. A daemon under load on a slow disk lets
#: go of it for moments only.
PATIENCE = timedelta(seconds=30)


class Tools:
    """The tools of one command; the command line closes them when the command is over."""

    def __init__(self, config: str | None) -> None:
        self._config = config
        self.patience = PATIENCE  #: to be set before `store` is asked for

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
    def database(self) -> "Database":
        return self.settings.gateway.database

    @property
    def files(self) -> Path:
        """The path beside which the gateway's own files lie."""
        return self.settings.gateway.files

    @cached_property
    def store(self) -> "Store":
        """The database of a gateway that ran before: a command never makes one.

        Raises:
            SmsgwError: there is none, or it cannot be opened.
        """
        from smsgw import logs
        from smsgw.store import open_store

        level = self.settings.log.level
        logs.configure("warning" if level == "info" else level, self.settings.log.format)
        alone = self.daemon_pid is None
        return open_store(
            self.database,
            create=False,
            busy_timeout=self.patience,
            copies_log=alone,
            migrate=False,
        )

    @property
    def has_database(self) -> bool:
        """Whether the daemon has ever started with it."""
        from smsgw.errors import NoDatabase

        if isinstance(self.database, Path):
            return self.database.exists()
        try:
            return bool(self.store)
        except NoDatabase:
            return False

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
        """As `hotline`, with a key that is good for nothing: what it seals is not kept. Before the
        first start of the daemon it works over a base where nobody is.

        Raises:
            SmsgwError: there is a base, and it cannot be read.
        """
        from smsgw.store import empty_store
        from smsgw.vault import KEY_OCTETS, Vault

        vault = Vault([os.urandom(KEY_OCTETS)])
        if self.has_database:
            yield self._hotline(self.store, vault)
            return
        with closing(empty_store()) as store:
            yield self._hotline(store, vault)

    def _hotline(self, store: "Store", vault: "Vault") -> "Hotline":
        from smsgw.gateway import Gateway, Hotline, Rules
        from smsgw.passwords import OnDemand

        issuer = OnDemand(self.settings.registration.password_length)
        gateway = Gateway(store, Rules.of(self.settings), vault, issuer)
        return Hotline(gateway, self.ring_daemon)

    @cached_property
    def now(self) -> datetime:
        """When the command was called, in UTC: one moment for all that it does."""
        return clock.now()

    @cached_property
    def viewer(self) -> "Viewer":
        """Who looks at what is printed."""
        from smsgw.words import Viewer

        return Viewer(self.settings.gateway.timezone, self.now)

    @property
    def daemon_pid(self) -> int | None:
        from smsgw.store import daemon_pid

        return daemon_pid(self.files)

    # --- the daemon ---------------------------------------------------------------------------

    def ask(self, verb: str, **arguments: object) -> dict[str, Any] | None:
        """Have the daemon do *verb*; what it answers, None where no daemon answers.

        Raises:
            SmsgwError: it could not be done, or the daemon does not say whether it was.
        """
        from smsgw import control

        trusted = {0, os.geteuid()}
        if os.geteuid() == 0:
            with suppress(OSError):
                files = self.files
                trusted.add((files if files.exists() else files.parent).stat().st_uid)
        path = self.settings.gateway.control_socket
        try:
            return control.ask(path, verb, arguments, trusted=trusted, database=self.files)
        except control.NoDaemon:
            return None

    def ring_daemon(self) -> bool:
        """Have the daemon look at the outbox at once; False: none runs."""
        from smsgw.store import ring_daemon

        return self.ask("ring") is not None or ring_daemon(self.files)

    @contextmanager
    def sealing(self) -> "Iterator[Hotline]":
        """The hotline, where no daemon answers and something is to be sealed here.

        Raises:
            SmsgwError: the secret key cannot be read.
        """
        from smsgw.errors import SmsgwError
        from smsgw.vault import KeyFault

        try:
            yield self.hotline
        except KeyFault as fault:
            raise SmsgwError(
                f"no daemon answers, and the key cannot be read from here: {fault.problem}",
                "start the service: then no command needs the key",
            ) from None

    # --- the audit ----------------------------------------------------------------------------

    def look_up(self, command: str, key: str) -> "list[AccountRow]":
        """The accounts that *key* names, each with a line in the audit.

        Raises:
            NotFound: there is none; that leaves a line, too.
        """
        from smsgw.errors import NotFound

        try:
            found = self.hotline.look_up(key)
        except NotFound:
            self.note(command, key, "no such account")
            raise
        for row in found:
            self.note(command, row.account.cmnd)
        return found

    def note(self, command: str, number: str | None, detail: str = "") -> int | None:
        """Leave a line in the audit of what was only looked at; None where none can be written,
        which standard error is told."""
        from smsgw.errors import SmsgwError

        try:
            with self.store.patience(NOTE_PATIENCE):
                return self.hotline.note_look_up(actor(), command, number, detail, self.now)
        except SmsgwError as fault:
            click.echo(f"smsgw: this leaves no line in the audit: {harmless(str(fault))}", err=True)
            return None

    @contextmanager
    def listing(self, command: str, things: "Iterable[T]", asked: str) -> "Iterator[Iterator[T]]":
        """Inside, *things* can be taken; the audit has what was *asked* for from the start, and in
        the end how many were taken, also where nobody read them to the end."""
        note = self.note(command, None, asked)
        taken = 0

        def counted() -> "Generator[T, None, None]":
            nonlocal taken
            for thing in things:
                taken += 1
                yield thing

        shown = counted()
        try:
            yield shown
        finally:
            shown.close()  # so that the store reads no more
            if isinstance(things, Generator):
                things.close()
            if note is not None:
                self._amend(note, f"{asked}: {taken}" if asked else str(taken))

    def _amend(self, note: int, detail: str) -> None:
        from smsgw.errors import SmsgwError

        with suppress(SmsgwError), self.store.patience(NOTE_PATIENCE):
            self.hotline.amend_note(note, detail)

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()


def actor() -> str:
    """Who is at the command line, for the account's history: who became root, not root."""
    if user := os.environ.get("SUDO_USER"):
        return user
    try:
        return os.getlogin()
    except OSError:  # no terminal: cron, a unit, a container
        pass
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


pass_tools = click.make_pass_decorator(Tools)
