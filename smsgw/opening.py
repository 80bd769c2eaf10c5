"""What the daemon opens at its start: the store, and the secret key."""

import asyncio
import logging
from functools import partial

from smsgw import clock, copies
from smsgw.config import GatewaySettings
from smsgw.database import Server
from smsgw.errors import SmsgwError
from smsgw.store import Store, StoreUnavailable, open_store
from smsgw.systemd_notify import notify
from smsgw.vault import KeyFault, Vault
from smsgw.worker import Worker

log = logging.getLogger("smsgw.daemon")

#: A start that takes longer than this says so to systemd again.
OPENING_SECONDS = 10.0
#: A database that does not answer at the start is said again.
WAITING_TOLD_SECONDS = 60.0


async def open_database(gateway: GatewaySettings, worker: Worker) -> Store:
    """The database, brought up to date; systemd waits as long as a copy takes, or a server that
    does not answer.

    Raises:
        SmsgwError: it cannot be opened.
    """
    open_it = partial(
        open_store,
        gateway.database,
        own_thread=True,
        before_migration=lambda store: copies.before_migration(store, clock.now()),
        node=gateway.node,
    )
    loop = asyncio.get_running_loop()
    tell_at = loop.time()
    while True:
        opened = worker.do(open_it)
        while not opened.done():
            notify(f"EXTEND_TIMEOUT_USEC={4 * OPENING_SECONDS * 10**6:.0f}")
            await asyncio.wait({opened}, timeout=OPENING_SECONDS)
        try:
            return opened.result()
        except StoreUnavailable as fault:
            if not isinstance(gateway.database, Server):
                raise
            if loop.time() >= tell_at:
                log.warning("waiting for the database: %s", fault)
                tell_at = loop.time() + WAITING_TOLD_SECONDS
            await asyncio.sleep(1)


async def open_vault(gateway: GatewaySettings, store: Store, worker: Worker) -> Vault:
    """The secret key, made where there is none: but not beside one that others have.

    Raises:
        SmsgwError: it cannot be read or made, or is to be brought from another node.
    """
    if not store.is_shared or await worker.do(store.fact, "key_id") is None:
        return Vault.open(gateway.secret_key_file, create=True)
    try:
        return Vault.open(gateway.secret_key_file, create=False)
    except KeyFault as fault:
        raise SmsgwError(
            fault.problem, "bring the secret key that the nodes of this database have"
        ) from fault
