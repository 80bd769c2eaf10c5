"""The demo: the whole service on one screen, with no carrier and no configuration.

The daemon is the real one, a child process, and so are the hotline's commands; it speaks SMPP over
loopback with the simulated SMSC, and what the phones show is what came over that wire. Knows the
simulator and a terminal; of the gateway only what a carrier, a citizen and the command line see.

    play          the scripted conversation, and what must come of it
    conversation  the user types the texts
    pages         the citizens' pages, for a browser
    gateway       configuration and child process
    screen        a terminal that looks like a phone
"""

import tempfile
from pathlib import Path

from smsgw.demo import conversation, pages, play
from smsgw.demo.gateway import LOG, configure, running
from smsgw.demo.screen import Screen
from smsgw.simulator import SmscThread

TTL_SECONDS = 60  # an issued password's life where the user types; in earnest 3 days


def show(*, interactive: bool, portal: bool = False) -> None:
    """Show the service in a temporary folder, which is gone in the end.

    Args:
        interactive: the user types the texts.
        portal: the citizens' pages, too.

    Raises:
        SmsgwError: a reply was not as expected, or the gateway failed.
    """
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="smsgw-demo-") as folder, SmscThread() as carrier:
        if portal:
            pages.serve(screen, carrier, Path(folder), interactive=interactive)
        elif interactive:
            config = configure(Path(folder), carrier, TTL_SECONDS)
            with running(screen, config, carrier, Path(folder) / LOG):
                conversation.converse(screen, carrier, config, TTL_SECONDS)
        else:
            play.perform(screen, carrier, Path(folder))
