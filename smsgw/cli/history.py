"""`smsgw accounts history`: one citizen's whole story."""

import click

from smsgw.cli import story, tables
from smsgw.cli.options import fits_two, format_option, key_argument, typed
from smsgw.cli.tools import Tools, pass_tools
from smsgw.errors import NotFound
from smsgw.happenings import HistoryEntry, TextCame
from smsgw.registration import syntax


@click.command()
@key_argument
@click.option("--full", is_flag=True, help="With the wording of each text.")
@format_option
@pass_tools
def history(tools: Tools, key: str, full: bool, form: str) -> None:
    """Tell one citizen's whole story, a line for each thing that happened.

    Texts, replies and their delivery, changes of state, who did what at the command line and why.
    """
    key = typed(key, "KEY")
    try:
        entries = tools.hotline.history(key)
    except NotFound:
        tools.note("accounts history", key, "no such account or phone")
        raise
    usernames = list(dict.fromkeys(entry.username for entry in entries))
    tools.note_each("accounts history", tools.behind(key), key)
    if form != tables.Format.TABLE:
        view = story.HISTORIES if len(usernames) > 1 else story.HISTORY
        tables.show(view, map(story.story_line, entries), form, tools.viewer)
        return
    if len(usernames) > 1:
        click.echo(f"{fits_two(key)}\n")
    for number, username in enumerate(usernames):
        if number:
            click.echo()
        own = [entry for entry in entries if entry.username == username]
        _show_story(tools, key, username, own, full=full)


def _show_story(
    tools: Tools, key: str, username: str | None, entries: list[HistoryEntry], *, full: bool
) -> None:
    """Print the story of one of the citizens behind *key*."""
    account = None
    if username is not None:
        rows = [row.account for row in tools.hotline.look_up(key)]
        account = next((found for found in rows if found.username == username), None)
    settings, local = tools.settings, tools.viewer.local

    def fault(came: TextCame) -> str:
        read = syntax.parse(
            came.text,
            local(came.at).date(),
            check_personal_number=settings.registration.check_personal_number,
        )
        return read.reason if isinstance(read, syntax.SyntaxFault) else ""

    story.show_story(entries, account, tools.viewer, fault, full=full)
