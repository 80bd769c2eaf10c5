"""The daemon beside which a command runs: whether there is one, and what it is asked.

Knows where it listens and whom to believe. Must not know the store, nor a command.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smsgw.errors import SmsgwError

if TYPE_CHECKING:
    from smsgw.config import GatewaySettings

#: A command does not touch a store that has been silent to its daemon for so long.
STORE_PATIENCE_SECONDS = 10.0
#: For each answer of the daemon to that, a little longer than it waits for its store.
PULSE_SECONDS = 3.5


class Daemon:
    """Of the gateway that these settings are of; nothing is asked before a verb is called."""

    def __init__(self, settings: "GatewaySettings") -> None:
        self._settings = settings

    @property
    def pid(self) -> int | None:
        """None: none runs."""
        from smsgw.store import daemon_pid

        return daemon_pid(self._settings.files)

    def ask(
        self, verb: str, *, patience: float | None = None, **arguments: object
    ) -> dict[str, Any] | None:
        """Have the daemon do *verb*; what it answers, None where no daemon answers.

        Args:
            patience: seconds to wait for the answer, instead of what `asking` finds right.

        Raises:
            SilentDaemon: there is one, and it does not answer.
            SmsgwError: it could not be done, or the daemon does not say whether it was.
        """
        from smsgw import asking

        path = self._settings.control_socket
        trusted = daemons_users(self._settings.files)
        try:
            return asking.ask(
                path,
                verb,
                arguments,
                trusted=trusted,
                database=self._settings.files,
                patience=patience,
            )
        except asking.NoDaemon:
            return None

    def ring(self) -> bool:
        """Have the daemon look at the outbox at once; False: none runs."""
        from smsgw.store import ring_daemon

        return self.ask("ring") is not None or ring_daemon(self._settings.files)

    def see_that_its_store_answers(self) -> None:
        """Who touches a disk that stands still cannot even be killed: ask the daemon first.

        Raises:
            SmsgwError: its store has been silent for too long.
        """
        silent: float = 0
        while silent < STORE_PATIENCE_SECONDS:
            try:
                told = self.ask("pulse", patience=PULSE_SECONDS)
            except SmsgwError:  # it stands still itself, or is of another version
                return
            silent = told["silent"] if told else 0
            if not silent:
                return
        raise SmsgwError(
            f"the store has not answered the daemon for {silent:.0f} s: nothing was looked up",
            f"does the disk of {self._settings.database} stand still? `smsgw status`, and dmesg",
        )


def daemons_users(files: Path) -> set[int]:
    """Whose daemon is believed: root's, our own, and for root that of the owner of *files*, the
    database file, or of their folder."""
    trusted = {0, os.geteuid()}
    if os.geteuid() == 0:
        with suppress(OSError):
            trusted.add((files if files.exists() else files.parent).stat().st_uid)
    return trusted
