"""`smsgw completion`: what a shell has to know to complete command lines."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from smsgw.cli.options import Choice


class OneOf(Choice):
    """A choice that needs no list of lines to say that it is missing: the usage names it."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return ""


@click.command()
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes the TAB key complete commands and options.

    The package brings it for all three shells. Elsewhere, once for each user:

    \b
        smsgw completion bash >> ~/.bash_completion
        smsgw completion zsh > ~/.zfunc/_smsgw
        smsgw completion fish \\
            > ~/.config/fish/completions/smsgw.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise TypeError(f"click completes nothing for {shell}")
    tree = ctx.find_root().command
    # Not BashComplete's own source(): it runs bash, which a machine that builds need not have.
    click.echo(ShellComplete.source(kind(tree, {}, "smsgw", "_SMSGW_COMPLETE")).strip())
