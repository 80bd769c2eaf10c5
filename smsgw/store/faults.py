"""What can go wrong with a store, whatever engine it has. Nothing else of an engine's leaves it.

Reading may raise `Unavailable`; what a transaction may raise, `Transactions.transaction` says.
"""

from smsgw.errors import SmsgwError


class StoreFault(SmsgwError):
    """Something went wrong in the store."""


class Unavailable(StoreFault):
    """The transaction did not happen; a later one may (disk full, locked, file gone)."""


class InDoubt(Unavailable):
    """Nobody knows whether the transaction happened: the way to the database was lost in COMMIT."""


class Moved(InDoubt):
    """The transaction is in a file that is no longer ours, and may come back with it."""


class Lost(StoreFault):
    """The disk can no longer be trusted; end, and let the service manager start again."""


class Conflict(StoreFault):
    """A phone or CMND has an open account already. A fault of this message, not of the store."""


class Unfit(StoreFault):
    """A value that the engine cannot take. A fault of this message, not of the store."""
