"""`smsgw demo`: the whole service on one screen."""

import signal

import click

from smsgw import demo as play
from smsgw.cli.smsc import interrupt_on


@click.command()
@click.option("--interactive", is_flag=True, help="Type the texts yourself.")
@click.option("--portal", is_flag=True, help="Serve the citizens' pages, too, until Ctrl-C.")
def demo(interactive: bool, portal: bool) -> None:
    """Show the service: gateway and simulated SMSC in a temporary folder.

    Citizens register, one in Vietnamese letters, one wrongly, one with a CMND that is taken; a
    password that nobody changed expires and is replaced; then the hotline looks the account up.
    Takes less than a minute, and ends with exit status 0 only if every reply was as expected.

    With --portal a citizen registers, and gateway and pages stay for a browser on this machine.
    """
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    play.show(interactive=interactive, portal=portal)
