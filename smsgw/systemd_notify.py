"""What systemd wants to know of a service of Type=notify: one datagram each; and its journal.

Source: sd_notify(3), sd-daemon(3), systemd.exec(5). Outside systemd everything here does nothing.
"""

import os
import socket
from contextlib import suppress
from typing import TextIO


def notify(*assignments: str) -> bool:
    """Send *assignments* such as "READY=1" or "STATUS=2 of 2 links bound" in one datagram.

    Returns:
        Whether there was somebody to tell. Never raises: a service that works must not
        end because its supervisor cannot hear it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # abstract socket: not a file
        address = "\0" + address[1:]
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        # Never wait: the datagram is dropped when systemd's queue is full.
        sender.setblocking(False)
        sender.sendto("\n".join(assignments).encode(), address)
        return True
    return False


def watchdog_interval(most: float | None = None) -> float | None:
    """Seconds between two "WATCHDOG=1", half of what the unit allows; None: not watched.

    Args:
        most: seconds after which systemd is to end a process that stands still, where the unit
            allows it more; asked for once, with the start.
    """
    usec = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not usec.isdigit() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    seconds = int(usec) / 10**6
    if most is not None and seconds > most:
        notify(f"WATCHDOG_USEC={most * 10**6:.0f}")
        seconds = most
    return seconds / 2


def is_journal(stream: TextIO | None) -> bool:
    """Whether what is written to *stream* goes to the journal itself, which reads the priority of a
    line from its first characters. A stream that was redirected inherits the variable only.

    Source: systemd.exec(5), JOURNAL_STREAM.
    """
    named = os.environ.get("JOURNAL_STREAM")
    if not named or stream is None:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return named == f"{found.st_dev}:{found.st_ino}"
