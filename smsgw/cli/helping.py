"""`--help` in the language of the command: click writes it, of sentences looked up."""

from collections.abc import Iterable

import click

from smsgw.speech import say

#: Begins a paragraph that keeps its lines: an example.
_AS_IT_IS = ("\b", " ")


class Formatter(click.HelpFormatter):
    """Writes what click has gathered, in the language of the command."""

    def write_text(self, text: str) -> None:
        super().write_text("\n\n".join(map(_said, paragraphs(text))))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        said = [(name, _meaning(meaning)) for name, meaning in rows]
        super().write_dl(said, col_max, col_spacing)


class Group(click.Group):
    """A group whose commands are listed with their whole sentence, going on in the next line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(say("Commands")):
            formatter.write_dl(
                [
                    (name, sentence_of(command))
                    for name in self.list_commands(ctx)
                    if (command := self.get_command(ctx, name)) and not command.hidden
                ]
            )


def sentence_of(command: click.Command) -> str:
    """What a list says of *command*, in English."""
    return command.get_short_help_str(limit=200)


def paragraphs(text: str) -> list[str]:
    """A help text's paragraphs; one that is no example stands in one line."""
    return [
        each if each.startswith(_AS_IT_IS) else " ".join(each.split())
        for each in text.split("\n\n")
    ]


def _said(paragraph: str) -> str:
    return paragraph if paragraph.startswith(_AS_IT_IS) else say(paragraph)


def _meaning(text: str) -> str:
    """What an option means, with what click adds in brackets, which it has translated itself."""
    if (whole := say(text)) != text:
        return whole
    meaning, gap, added = text.rpartition("  [")
    return f"{say(meaning)}{gap}{added}" if gap else text
