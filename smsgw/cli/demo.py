"""`smsgw demo`: the whole service on one screen, with no carrier and no configuration.

The daemon is the real one, a child process, and so are the hotline's commands; it speaks SMPP
over loopback with the simulated SMSC, and what the phones show is what came over that wire. The
expected texts stand here once more, word for word, so that the demo is a check and no echo.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import click

from smsgw import clock
from smsgw.cli.smsc import Trick, interrupt_on, read_line
from smsgw.errors import SmsgwError
from smsgw.harmless import harmless
from smsgw.simulator import SmscThread, Submit, playbook, toml
from smsgw.simulator.playbook import Unclear
from smsgw.smpp import statuses

WIDTH = 80
BUBBLE = 50  # columns of text, at most
REPLY_SECONDS = 15.0  # within which a reply must come
COMMAND_SECONDS = 30  # a hotline's command, on a machine that is very busy
TTL_SECONDS = 8  # the life of the password that expires in the scripted conversation
INTERACTIVE_TTL_SECONDS = 60
DAYS_3_SECONDS = 3 * 24 * 3600  # the life of every other, as in earnest
LOG = "smsgw.log"
SHORTCODE = "8188"

# Dispatch 1232/STTTT-CNTT, to the letter; the reminder's wording is the service's own.
REGISTERED = (
    "TK: {0}, MK: {1} la tai khoan su dung HT Chinh quyen dien tu. "
    "De nghi anh chi doi mat khau trong vong 03 ngay de bao mat. Cam on!"
)
SYNTAX_ERROR = (
    "Loi. Tin nhan sai cu phap. Cu phap dung la: "
    "TK,Ho va ten,soCMND,nn.tt.nnnn (ngay thang nam sinh)"
)
ALREADY_REGISTERED = (
    "So CMND da duoc su dung de dang ky tai khoan tren he thong Chinh quyen dien tu"
)
REMINDER = (
    "Mat khau cu da het han. TK: {0}, MK moi: {1} la tai khoan su dung HT Chinh quyen dien tu. "
    "De nghi anh chi doi mat khau trong vong 03 ngay. Cam on!"
)
PASSWORD = "([a-hjkmnp-z2-9]{8})"  # noqa: S105  how one looks


class Phone(NamedTuple):
    number: str  #: as the carrier writes it
    owner: str

    @property
    def national(self) -> str:
        """0905 123 456: as its owner would write it."""
        digits = "0" + self.number.removeprefix("84")
        return f"{digits[:4]} {digits[4:7]} {digits[7:]}"


AN = Phone("84905123456", "Nguyễn Văn An")
DAO = Phone("84914222333", "Nguyễn Thị Đào")
BINH = Phone("84935777888", "Trần Bình")


@click.command()
@click.option("--interactive", is_flag=True, help="Type the texts yourself.")
def demo(interactive: bool) -> None:
    """Show the service: gateway and simulated SMSC in a temporary folder.

    Citizens register, one in Vietnamese letters, one wrongly, one with a CMND that is taken; a
    password that nobody changed expires and is replaced; then the hotline looks the account up.
    Takes less than a minute, and ends with exit status 0 only if every reply was as expected.
    """
    screen = Screen()
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    with tempfile.TemporaryDirectory(prefix="smsgw-demo-") as folder, SmscThread() as carrier:
        if interactive:
            config = _configure(Path(folder), carrier, INTERACTIVE_TTL_SECONDS)
            with _daemon(screen, config, carrier, Path(folder) / LOG):
                _converse(screen, carrier, config, INTERACTIVE_TTL_SECONDS)
        else:
            _perform(screen, carrier, Path(folder))


# --- the play -------------------------------------------------------------------------------


def _perform(screen: "Screen", carrier: SmscThread, folder: Path) -> None:
    """The whole play, in two acts with a restart of the gateway between them.

    Only the password of the first act lives seconds. Those of the second live three days, so on
    the busiest machine nothing expires but what the play is about, and that once.
    """
    begin = time.monotonic()
    screen.title("smsgw demo: the real gateway, a simulated carrier, nothing faked")
    screen.say(
        f"Texts go to {SHORTCODE} over SMPP on 127.0.0.1. The first password lives "
        f"{TTL_SECONDS} seconds instead of 3 days."
    )
    config = _configure(folder, carrier, TTL_SECONDS)
    play = Play(screen, carrier, config)
    with _daemon(screen, config, carrier, folder / LOG):
        screen.phone(AN, "He registers, and will forget to change his password.")
        play.text(AN, "TK,Nguyen Van An,201234567,01.02.1990")
        first = play.expect(AN, REGISTERED, "201234567")
    screen.say("The gateway is restarted; from now on passwords live 3 days.")
    _configure(folder, carrier, DAYS_3_SECONDS)
    with _daemon(screen, config, carrier, folder / LOG):
        _second_act(screen, play, first)
    seconds = time.monotonic() - begin
    screen.done(f"Every reply came, word for word. {play.replies} replies, {seconds:.0f} s.")


def _second_act(screen: "Screen", play: "Play", first: str) -> None:
    screen.phone(DAO, "She writes with diacritics, so her phone sends UCS-2.")
    play.text(DAO, "TK;Nguyễn Thị Đào;048190001234;8/3/1990")
    issued = play.expect(DAO, REGISTERED, "048190001234")
    screen.say("She chooses her own password on the portal, which passes it on:")
    own = "mot-mat-khau-rieng"
    play.run("accounts", "set-password", "048190001234", typed=own)
    play.verify("048190001234", {own: True, issued: False})

    screen.phone(BINH, "He gets the syntax wrong, then takes a CMND that has an account.")
    play.text(BINH, "TK Tran Binh 201234567")
    play.expect(BINH, SYNTAX_ERROR)
    play.text(BINH, "TK,Tran Binh,201234567,05.06.1985")
    play.expect(BINH, ALREADY_REGISTERED)

    screen.phone(AN, "His time is over and he did not change it, so there is a new one.")
    second = play.expect(AN, REMINDER, "201234567", within=TTL_SECONDS + REPLY_SECONDS)
    if first == second:
        raise SmsgwError("the reminder has the old password in it")
    play.verify("201234567", {second: True, first: False})

    screen.title("At the hotline")
    secrets = (issued, first, second, own)
    play.run("accounts", "show", AN.national.replace(" ", ""), secrets=secrets)
    play.run("accounts", "history", "201234567", secrets=secrets)

    strays = [one for one in play.carrier.submits if one.destination.number == DAO.number]
    if len(strays) != 1:
        raise SmsgwError(f"{DAO.owner} got {len(strays)} replies instead of 1")


class Play:
    """What is done on the stage, and what must come of it."""

    def __init__(self, screen: "Screen", carrier: SmscThread, config: Path) -> None:
        self.screen = screen
        self.carrier = carrier
        self.config = config
        self.replies = 0

    def text(self, phone: Phone, text: str) -> None:
        """A citizen texts; the gateway must take it.

        Raises:
            SmsgwError: it did not.
        """
        handle = self.carrier.send_mo(phone.number, text)
        self.screen.bubble(text, mine=True)
        try:
            status = handle.answer(REPLY_SECONDS)
        except TimeoutError:
            raise SmsgwError(f"the gateway did not acknowledge: {text}") from None
        if status:
            raise SmsgwError(f"the gateway answered {statuses.name(status)} to: {text}")

    def expect(
        self, phone: Phone, template: str, username: str = "", within: float = REPLY_SECONDS
    ) -> str:
        """The phone must get *template*, to the letter; returns the password in it.

        Raises:
            SmsgwError: it got nothing in *within* seconds, or something else.
        """
        try:
            submit = self.carrier.wait_submit(within, to=phone.number)
        except TimeoutError:
            raise SmsgwError(
                f"{phone.national} got no reply in {within:.0f} s; expected: {template}"
            ) from None
        text = submit.text or ""
        self.screen.bubble(text, mine=False)
        pattern = re.escape(template).replace(r"\{0\}", username).replace(r"\{1\}", PASSWORD)
        found = re.fullmatch(pattern, text)
        if not found:
            raise SmsgwError(
                f"{phone.national} got the wrong reply; expected: {template.format(username, '…')}"
            )
        if submit.source.number != SHORTCODE:
            raise SmsgwError(f"the reply came from {submit.source.number}, not {SHORTCODE}")
        self.replies += 1
        return found.group(1) if found.groups() else ""

    def run(self, *arguments: str, typed: str = "", secrets: tuple[str, ...] = ()) -> None:
        """A command of the hotline, as its own process; shows what it prints.

        Raises:
            SmsgwError: it failed, or showed one of *secrets*.
        """
        self.screen.command(f"smsgw {' '.join(arguments)}")
        done = _smsgw(self.config, *arguments, typed=typed)
        if done.returncode:
            problem = done.stderr.strip() or "no reason given"
            raise SmsgwError(f"smsgw {' '.join(arguments)} failed: {problem}")
        if any(secret in done.stdout + done.stderr for secret in secrets):
            raise SmsgwError(f"smsgw {' '.join(arguments)} shows a password")
        self.screen.output(done.stdout)

    def verify(self, username: str, passwords: dict[str, bool]) -> None:
        """Each of *passwords* must open the account, or not.

        Raises:
            SmsgwError: one does and should not, or the other way round.
        """
        for password, expected in passwords.items():
            done = _smsgw(self.config, "accounts", "verify-password", username, typed=password)
            if (done.returncode == 0) != expected:
                word = "is refused" if expected else "still opens the account"
                raise SmsgwError(f"{username}: the {'new' if expected else 'old'} password {word}")
        self.screen.check(f"{username}: the new password opens the account, the old one no more")


def _smsgw(config: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  our own command
        [*_COMMAND, "-c", str(config), *arguments],
        input=typed + "\n" if typed else "",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=COMMAND_SECONDS,
        env=os.environ | {"COLUMNS": str(WIDTH - 4)},
        check=False,
    )


# --- the interactive part -------------------------------------------------------------------


def _converse(screen: "Screen", carrier: SmscThread, config: Path, ttl: int) -> None:
    number = AN.number
    screen.title("smsgw demo: you are the citizen")
    screen.say(
        f"What you type is texted to {SHORTCODE} from {number}; another number in front "
        f"of the text changes the phone. A password that you leave alone is replaced after "
        f"{ttl} seconds. Try:"
    )
    screen.command("TK,Nguyen Van An,201234567,01.02.1990", prompt="")
    screen.command("84914222333 TK;Nguyễn Thị Đào;048190001234;8/3/1990", prompt="")
    screen.say("The hotline sits in another terminal; an empty line or Ctrl-D ends the demo.")
    screen.command(f"smsgw -c {config} accounts list")

    replied = threading.Event()

    def show(submit: Submit) -> None:
        screen.bubble(submit.text or "", mine=False, about=submit.destination.number)
        if submit.destination.number == number:
            replied.set()

    carrier.smsc.on_submit = show
    while True:
        screen.prompt(number)
        octets = sys.stdin.buffer.readline()
        try:
            typed = read_line(octets, number=number)
        except Unclear as unclear:
            screen.say(f"Not sent: {unclear}.")
            continue
        if typed is None:
            break
        if isinstance(typed, Trick):
            _play_trick(screen, carrier, typed)
            continue
        number = typed.number
        replied.clear()
        screen.bubble(typed.text, mine=True, about=number)
        for handle in carrier.send_text(*typed):
            try:
                status = handle.answer(REPLY_SECONDS)
            except TimeoutError:
                raise SmsgwError("the gateway did not acknowledge the text") from None
            if status:
                screen.say(f"The gateway answered {statuses.name(status)}.")
        if not replied.wait(3):
            screen.say("No reply to this phone.")


def _play_trick(screen: "Screen", carrier: SmscThread, trick: Trick) -> None:
    """What broken and hostile carriers do (`smsgw smsc`, `!help`); its texts show themselves."""
    try:
        for handle in playbook.play(carrier, trick.line):
            handle.answer(REPLY_SECONDS)
    except (Unclear, TimeoutError) as fault:
        screen.say(f"Not done: {str(fault).splitlines()[0]}.")


# --- the gateway ----------------------------------------------------------------------------

# -P: a schedule.py in the folder where the demo was called is nobody's module of ours.
_COMMAND = (sys.executable, "-P", "-m", "smsgw.cli.main")


def _configure(folder: Path, carrier: SmscThread, ttl: int) -> Path:
    config = folder / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        toml.dumps(
            {
                "gateway": {"database": str(folder / "smsgw.db"), "shortcode": SHORTCODE},
                "registration": {
                    "password_ttl": f"{ttl}s",
                    "tick_interval": "1s",
                    "password_stock": 4,
                    "reminder_hours": "00:00-24:00",
                },
                "smsc": [carrier.link("demo")],
            }
        ),
        encoding="utf-8",
    )
    return config


@contextmanager
def _daemon(screen: "Screen", config: Path, carrier: SmscThread, log: Path) -> Iterator[None]:
    """`smsgw run` as a child process, bound to *carrier*; shows its last words if it fails.

    Raises:
        SmsgwError: it does not start, dies, or does not end cleanly.
    """
    before = carrier.binds
    with log.open("ab") as sink:
        daemon = subprocess.Popen(  # noqa: S603  our own command
            [*_COMMAND, "-c", str(config), "run"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # A Ctrl-C is for the demo, which then ends the daemon.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + REPLY_SECONDS
        while carrier.binds == before:
            if daemon.poll() is not None:
                raise SmsgwError("the gateway did not start; its last words are above")
            if time.monotonic() > deadline:
                raise SmsgwError("the gateway did not bind; its last words are above")
            with suppress(TimeoutError):
                carrier.wait_bound(timeout=0.2)
        yield
        if status := _end(daemon):
            raise SmsgwError(f"the gateway ended with status {status}; its last words are above")
    except SmsgwError:
        screen.output("\n".join(log.read_text("utf-8", "replace").splitlines()[-8:]))
        raise
    finally:
        _end(daemon)


def _end(daemon: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and where that does not help SIGKILL; the exit status."""
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        return daemon.wait(REPLY_SECONDS)
    daemon.kill()
    return daemon.wait()


# --- the screen -----------------------------------------------------------------------------


class Screen:
    """A terminal of 80 columns that looks like a phone. Colours only where there are any."""

    def __init__(self) -> None:
        self._zone = ZoneInfo("Asia/Ho_Chi_Minh")
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        plain = "utf" not in encoding.lower()
        self._frame = list("+-+|+-+=" if plain else "╭─╮│╰─╯━")
        self._tick = "OK" if plain else "✓"
        self._encoding = encoding

    def title(self, text: str) -> None:
        self._echo("")
        self._echo(click.style(text, bold=True))
        self._echo(click.style(self._frame[7] * WIDTH, dim=True))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(text, WIDTH):
            self._echo(line)

    def phone(self, phone: Phone, what: str) -> None:
        self._echo("")
        self._echo(click.style(f"{phone.owner}, {phone.national}", bold=True))
        self.say(what)

    def bubble(self, text: str, *, mine: bool, about: str = "") -> None:
        """One text: the citizen's on the right, the service's on the left."""
        top_left, line, top_right, side, low_left, low, low_right, _ = self._frame
        rows = textwrap.wrap(harmless(text), BUBBLE) or [""]
        foot = f" {about} {clock.now().astimezone(self._zone):%H:%M:%S} ".replace("  ", " ")
        inner = max(len(foot), *map(len, rows)) + 2
        drawn = [top_left + line * inner + top_right]
        drawn += [f"{side} {row:<{inner - 2}} {side}" for row in rows]
        drawn.append(low_left + foot.rjust(inner - 1, low) + low + low_right)
        indent = WIDTH - inner - 2 if mine else 0
        for row in drawn:
            self._echo(" " * indent + click.style(row, fg="cyan" if mine else "green"))

    def command(self, text: str, prompt: str = "$ ") -> None:
        self._echo(click.style(f"  {prompt}{text}", bold=True))

    def output(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self._echo(f"  {line}")
        self._echo("")

    def check(self, text: str) -> None:
        self._echo(click.style(f"  {self._tick} {text}", fg="green"))

    def done(self, text: str) -> None:
        self._echo(click.style(f"{self._tick} {text}", fg="green", bold=True))

    def prompt(self, number: str) -> None:
        if sys.stdin.isatty():
            click.echo(click.style(f"{number}> ", bold=True), nl=False)

    def _echo(self, text: str) -> None:
        # A terminal that has no such letter gets a question mark, not a traceback.
        click.echo(text.encode(self._encoding, "replace").decode(self._encoding))
