"""`smsgw reload`: the running daemon reads its configuration again."""

from typing import Any

import click

from smsgw.cli.beside import daemons_users
from smsgw.cli.options import actor
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import SmsgwError


@click.command()
@pass_tools
def reload(tools: Tools) -> None:
    """Have the running daemon read its configuration again.

    Waits for its answer: what it took over, or every fault, and then nothing is changed. Texts,
    limits, rules, pace and log hold at once; only links whose own table changed are bound anew.
    What needs a restart is refused by name (docs/configuration.md tells which keys). SIGHUP does
    the same without an answer.
    """
    answer = _ask(tools)
    if answer["faults"]:
        raise SmsgwError("\n".join(answer["faults"]))
    changed = ", ".join(answer["changed"])
    done = f"taken over; new: {changed}" if changed else "taken over; nothing is new"
    click.echo(f"{answer['file']}: {done}")


def _ask(tools: Tools) -> dict[str, Any]:
    """What the daemon answers.

    Also where the file has faults, the daemon is found: by what can be read of it, or at its usual
    place, if it says that the file is its own.

    Raises:
        SmsgwError: there is none.
    """
    from smsgw import asking
    from smsgw.config import ConfigError, Whereabouts, whereabouts

    file = tools.config_file
    fault: SmsgwError | None = None
    places: list[tuple[Whereabouts, list[int] | None]] = []
    try:
        places.append((whereabouts(file), None))
    except ConfigError as error:
        fault = error
    if identity := asking.identity(file):
        places.append((whereabouts(None), identity))
    for place, only in places:
        try:
            answer = asking.ask(
                place.control_socket,
                "reload",
                {"actor": actor(), "file": only},
                trusted=daemons_users(place.files),
            )
        except asking.NoDaemon:
            continue
        if "faults" in answer:
            return answer
    if fault is not None:
        raise fault
    socket = places[0][0].control_socket
    raise SmsgwError(
        f"no daemon answers at {socket}",
        "start the service; a new gateway.database or gateway.control_socket takes a restart",
    )
