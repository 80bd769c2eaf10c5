"""Keeps Ctrl-Z out of a transaction: whoever is stopped with the lock in hand stops every citizen.

SIGSTOP cannot be kept out, but only root and the service's own user may send that one.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_BY_TERMINAL = {signal.SIGTSTP}


@contextmanager
def unstopped() -> Iterator[None]:
    """Inside, a stop that is asked for at the terminal waits for the end."""
    # A command works in its main thread; the daemon's store has its own thread and no terminal.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BY_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
