"""Who follows the configuration while the daemon runs, and what of it: the list of `reload.Room`.

A new key is named here, beside who takes it over, or it is read at the start alone (`AT_START` in
`config`); a test asks. Knows every room that follows, but not what each makes of it.
"""

import logging
from pathlib import Path

from smsgw import clock, config, logs
from smsgw.config import Settings
from smsgw.gateway import Gateway, Hotline, Rules
from smsgw.links import ConnectFault, Links, check_files
from smsgw.monitor import Monitor
from smsgw.neighbours import Neighbours
from smsgw.overview import RELOAD_FACT, RELOAD_OK_FACT
from smsgw.passwords import Stock
from smsgw.reload import LastReload, Room
from smsgw.store import StoreUnavailable
from smsgw.upkeep import Upkeep
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")


class Followers:
    """
    Args:
        file: of the configuration.
    """

    def __init__(
        self,
        file: Path,
        gateway: Gateway,
        worker: Worker,
        stock: Stock,
        links: Links,
        upkeep: Upkeep,
        *,
        monitor: Monitor,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._file = file
        self._gateway = gateway
        self._worker = worker
        self._stock = stock
        self._links = links
        self._upkeep = upkeep
        self._stopped: dict[str, str] = {}
        self._monitor = monitor
        self._neighbours = neighbours

    def rooms(self) -> list[Room]:
        """Each with what it follows. The first alone may refuse: it writes to the store."""
        people = {"registration", "messages", "limits", "retention", "portal"}
        return [
            Room("gateway", {"gateway.timezone", "gateway.region", "smsc", *people}, self._rules),
            Room("links", {"gateway.shortcode", "smsc"}, self._bind),
            Room("upkeep", {"gateway.timezone", "heartbeat", "registration"}, self._plan),
            Room("neighbours", {"gateway.without_standby", "smsc", *people}, self._tell_others),
            Room("monitor", {"gateway", "limits", "smsc"}, self._watch),
            Room("log", {"log"}, self._log),
        ]

    def read(self) -> Settings:
        """The file as it is now, with the files that its links need; in a thread.

        Raises:
            ConfigError: with everything that is wrong with it.
        """
        settings = config.load(self._file)
        faults = []
        for link in settings.smsc:
            try:
                check_files(link)
            except ConnectFault as fault:
                faults.append(config.Fault(f"smsc.{link.name}", str(fault)))
        if faults:
            raise config.ConfigError(self._file, faults)
        for warning in config.warnings(settings, self._file):
            log.warning("%s", warning)
        return settings

    async def start(self) -> None:
        """A start reads the file as well, so a reload that was refused before no longer counts."""
        if await self._worker.do(self._gateway.store.fact, RELOAD_OK_FACT) == "0":
            await self.note(LastReload(clock.now(), ok=True))

    async def note(self, last: LastReload) -> None:
        """Keep how it went where commands and monitoring see it."""
        try:
            await self._worker.do(self._keep, last)
        except StoreUnavailable as fault:
            log.warning("when the configuration was read again cannot be stored: %s", fault)

    def _keep(self, last: LastReload) -> None:
        store = self._gateway.store
        with store.transaction():
            store.set_fact(RELOAD_FACT, str(clock.stamp(last.at)))
            store.set_fact(RELOAD_OK_FACT, str(int(last.ok)))

    # --- what each takes over -------------------------------------------------------------------

    async def _rules(self, settings: Settings) -> None:
        # Somebody may have stopped one while the daemon could not be asked.
        self._stopped = await self._worker.do(self._follow_rules, settings)

    def _follow_rules(self, settings: Settings) -> dict[str, str]:
        stopped = Hotline(self._gateway).stopped_links()
        # Between two batches: no text of a new wording gets a password of the old length.
        self._gateway.follow(Rules.of(settings))
        self._stock.make(settings.registration.password_length)
        return stopped

    async def _bind(self, settings: Settings) -> None:
        self._links.stop(self._stopped)
        self._links.follow(settings)

    async def _plan(self, settings: Settings) -> None:
        self._upkeep.take_over(settings)

    async def _tell_others(self, settings: Settings) -> None:
        if self._neighbours:
            await self._neighbours.take_over(settings)

    async def _watch(self, settings: Settings) -> None:
        self._monitor.take_over(settings)

    async def _log(self, settings: Settings) -> None:
        logs.configure(settings.log.level, settings.log.format)
        for link in self._links:
            link.follow_log()
