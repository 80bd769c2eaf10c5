"""The tree of commands, and the one place where a fault becomes a line and an exit status.

Knows the names of the commands, not what they do: each is imported when it is called, so that
a look-up does not pay for the daemon.

Exit status: 0 done, 1 it could not be done, 2 wrong usage.
"""

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from smsgw import __version__, speech
from smsgw.cli import strangers, terminal
from smsgw.cli.guess import did_you_mean
from smsgw.cli.helping import Formatter, Group
from smsgw.cli.refusals import told
from smsgw.cli.tools import Tools
from smsgw.errors import SmsgwError
from smsgw.harmless import harmless
from smsgw.speech import said, say
from smsgw.systemd_notify import is_journal

#: Columns of `--help`, at most; and what click makes of a narrower terminal.
_HELP_COLUMNS = 80
_NARROWEST_HELP = 50

click.Context.formatter_class = Formatter  # of every command's --help

COMMANDS = {
    "run": "smsgw.cli.run:run",
    "portal": "smsgw.cli.portal:portal",
    "check-config": "smsgw.cli.check_config:check_config",
    "demo": "smsgw.cli.demo:demo",
    "smsc": "smsgw.cli.smsc:smsc",
    "accounts": "smsgw.cli.accounts:accounts",
    "audit": "smsgw.cli.audit:audit",
    "messages": "smsgw.cli.messages:messages",
    "outbox": "smsgw.cli.outbox:outbox",
    "links": "smsgw.cli.links:links",
    "reload": "smsgw.cli.reload:reload",
    "status": "smsgw.cli.status:status",
    "stats": "smsgw.cli.stats:stats",
    "try": "smsgw.cli.try_text:try_text",
    "clients": "smsgw.cli.clients:clients",
    "completion": "smsgw.cli.completion:completion",
    "expire": "smsgw.cli.upkeep:expire",
    "backup": "smsgw.cli.upkeep:backup",
    "purge": "smsgw.cli.upkeep:purge",
    "store": "smsgw.cli.store:store",
}


class LazyGroup(Group):
    """A group that imports a command when it is called, and all of them only for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is not a command")
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    metavar="CONFIG",
    envvar="SMSGW_CONFIG",
    help="Configuration file; else $SMSGW_CONFIG, ./config.toml, /etc/smsgw/config.toml.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, asked: _show_version(ctx) if asked else None,
    help="Show the version, and that of SQLite, and exit.",
)
@click.pass_context
def smsgw(ctx: click.Context, config: str | None) -> None:
    """The SMS gateway behind the short code 8188.

    Exit status: 0 done, 1 it could not be done, 2 wrong usage.
    """
    tools = Tools(config)
    ctx.obj = tools
    ctx.call_on_close(tools.close)


def _show_version(ctx: click.Context) -> None:
    from smsgw.store import sqlite_version

    click.echo(f"smsgw {__version__} (SQLite {sqlite_version()})")
    ctx.exit()


def main() -> NoReturn:
    """The console script."""
    os.umask(0o077)  # whatever a command makes is its user's alone
    _open_standard_streams()
    sys.exit(execute(sys.argv[1:]))


def _open_standard_streams() -> None:
    """Have something stand where the caller closed standard input, output or error (`>&-`).

    Else Python has None there, and the next file that is opened gets the number.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def execute(arguments: Sequence[str]) -> int:
    """Run one command line; every fault ends here. Returns the exit status."""
    speech.speak(_language())
    try:
        return _execute(arguments)
    finally:
        speech.speak(None)


def _execute(arguments: Sequence[str]) -> int:
    output = sys.stdout
    try:
        status = _run(arguments)
        # Here and not at the end of the process, where a full disk would go unseen.
        sys.stdout.flush()
    except click.UsageError as fault:
        _explain_usage(fault)
        return fault.exit_code
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain(say("interrupted"))
    except BrokenPipeError:  # `| head` has what it wanted
        _close_output()
        return 0
    except SystemExit:  # click ends the process for it, with output that swallows the rest
        if sys.stdout is output:
            raise
        _close_output()
        return 0
    except SmsgwError as fault:
        _complain(_to_be_typed(told(fault), fault, arguments), fault.__cause__)
    except OSError as fault:
        problem = f"{fault.filename or 'system'}: {said(fault.strerror or str(fault))}"
        _complain(_to_be_typed(problem, fault, arguments), fault)
    except OverflowError as fault:  # SQLite has 64 bits
        _complain(say("a number is too large"), fault)
    except UnicodeEncodeError as fault:  # an argument of other octets, or a terminal of few letters
        _complain(say("a text is not in {encoding}", encoding=fault.encoding.upper()), fault)
    except Exception as fault:
        problem = say(
            "internal error ({place}); SMSGW_DEBUG=1 shows the trace", place=_whereabouts(fault)
        )
        _complain(problem, fault)
    else:
        return status
    return 1


def _language() -> str | None:
    """What is spoken: the environment's language, where both outputs can show its letters."""
    code = speech.language(os.environ)
    if code is None:
        return None
    shown = all(terminal.shows(speech.LETTERS[code], to) for to in (sys.stdout, sys.stderr))
    return code if shown else None


def _run(arguments: Sequence[str]) -> int:
    """The command's own exit status: what it returned, if that is a number."""
    result: Any = smsgw.main(
        list(arguments),
        prog_name="smsgw",
        standalone_mode=False,
        terminal_width=_help_width(),
        color=None if terminal.wants_colour() else False,
    )
    return result if isinstance(result, int) else 0


def _help_width() -> int:
    """Columns of `--help`: those of the terminal, as far as people like to read."""
    return max(min(terminal.width() or _HELP_COLUMNS, _HELP_COLUMNS) - 2, _NARROWEST_HELP)


def _explain_usage(fault: click.UsageError) -> None:
    """How the command is used, and one line that says what was wrong and where to read on."""
    context = fault.ctx or click.Context(smsgw, info_name="smsgw")
    if isinstance(fault, click.exceptions.NoArgsIsHelpError):
        problem = say("Missing command.")
    else:
        problem = _with_guess(fault, context)
    usage, problem = (" ".join(text.split()) for text in (context.get_usage(), problem))
    click.echo(usage, err=True)
    command = context.command_path
    _complain(say("{problem} See `{command} --help`", problem=problem, command=command))


def _with_guess(fault: click.UsageError, context: click.Context) -> str:
    """What was wrong, and what was probably meant."""
    match fault:
        case click.exceptions.NoSuchOption():
            names = [name for param in context.command.params for name in param.opts]
            return did_you_mean(fault.message, fault.option_name, names)
        case click.exceptions.NoSuchCommand():
            typed = fault.command_name
            if context.parent is None and (inner := _inner_commands(context, typed)):
                meant = say(" or ").join(inner)
                return say("{problem} Did you mean {meant}?", problem=fault.message, meant=meant)
            return did_you_mean(fault.message, typed, _names(context))
        case click.MissingParameter():
            return fault.format_message()
        case click.BadParameter():
            told = said(fault.message)
            return click.BadParameter(
                told, fault.ctx, fault.param, fault.param_hint
            ).format_message()
        case _:
            return said(fault.format_message())


def _names(context: click.Context) -> list[str]:
    group = context.command
    return group.list_commands(context) if isinstance(group, click.Group) else []


def _inner_commands(context: click.Context, typed: str) -> list[str]:
    """The groups' commands of that very name, with the group in front."""
    names = []
    for name in _names(context):
        group = context.command.get_command(context, name)  # type: ignore[attr-defined]
        if isinstance(group, click.Group) and typed in group.commands:
            names.append(f"{name} {typed}")
    return names


def _to_be_typed(problem: str, fault: Exception, arguments: Sequence[str]) -> str:
    """*problem*, and what to type where it is that the caller is not the service's user."""
    typed = strangers.line_to_type(fault, arguments)
    return say("{problem}. Type: {line}", problem=problem, line=typed) if typed else problem


def _complain(problem: str, cause: BaseException | None = None) -> None:
    """One line on standard error, and the trace of *cause* for who asked for it."""
    try:
        if cause and (os.environ.get("SMSGW_DEBUG") or _debugging()):
            from smsgw.logs import redact

            click.echo(redact("".join(traceback.format_exception(cause))), err=True, nl=False)
        priority = "<3>" if is_journal(sys.stderr) else ""  # why a start failed, at `-p err`
        for line in problem.splitlines():
            click.echo(f"{priority}smsgw: {harmless(line)}", err=True)
        sys.stdout.flush()
    except OSError:  # nobody reads us any more, and the exit status says it
        _close_output()


def _debugging() -> bool:
    return logging.getLogger("smsgw").isEnabledFor(logging.DEBUG)


def _whereabouts(fault: BaseException) -> str:
    """Type and line of *fault*, without its message: that may quote a password or a CMND."""
    package = str(Path(__file__).parents[1])
    ours = [f for f in traceback.extract_tb(fault.__traceback__) if f.filename.startswith(package)]
    return f"{type(fault).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _close_output() -> None:
    """Let Python's own flush at the end of the process find an open, empty place."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        os.dup2(nowhere.fileno(), 1)


if __name__ == "__main__":
    main()
