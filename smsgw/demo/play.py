"""The scripted conversation: what citizens and the hotline do, and what must come of it.

The expected texts stand here once more, word for word, so that the demo is a check and no echo.
"""

import re
import time
from pathlib import Path

from smsgw.demo.gateway import LOG, REPLY_SECONDS, configure, hotline, running
from smsgw.demo.phones import AN, BINH, DAO, SHORTCODE, Phone
from smsgw.demo.screen import Screen
from smsgw.errors import SmsgwError
from smsgw.simulator import SmscThread
from smsgw.smpp import statuses

TTL_SECONDS = 8  # the life of the password that expires
DAYS_3_SECONDS = 3 * 24 * 3600  # the life of every other, as in earnest

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


def perform(screen: Screen, carrier: SmscThread, folder: Path) -> None:
    """Play it in two acts, with a restart of the gateway between them.

    Only the password of the first act lives seconds. Those of the second live three days, so that
    even on the busiest machine only the password that the play is about expires, and only once.

    Args:
        folder: for the gateway's configuration, database and log.

    Raises:
        SmsgwError: something came out otherwise.
    """
    begin = time.monotonic()
    screen.title("smsgw demo: the real gateway, a simulated carrier, nothing faked")
    screen.say(
        f"Texts go to {SHORTCODE} over SMPP on 127.0.0.1. The first password lives "
        f"{TTL_SECONDS} seconds instead of 3 days."
    )
    config = configure(folder, carrier, TTL_SECONDS)
    play = Play(screen, carrier, config)
    with running(screen, config, carrier, folder / LOG):
        screen.phone(AN, "He registers, and will forget to change his password.")
        play.text(AN, "TK,Nguyen Van An,201234567,01.02.1990")
        first = play.expect(AN, REGISTERED, "201234567")
    screen.say("The gateway is restarted; from now on passwords live 3 days.")
    configure(folder, carrier, DAYS_3_SECONDS)
    with running(screen, config, carrier, folder / LOG):
        _second_act(screen, play, first)
    seconds = time.monotonic() - begin
    screen.done(f"Every reply came, word for word. {play.replies} replies, {seconds:.0f} s.")


def _second_act(screen: Screen, play: "Play", first: str) -> None:

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
    play.run("accounts", "history", "201234567", "--full", secrets=secrets)

    strays = [one for one in play.carrier.submits if one.destination.number == DAO.number]
    if len(strays) != 1:
        raise SmsgwError(f"{DAO.owner} got {len(strays)} replies instead of 1")


class Play:
    """What is done on the stage, and what must come of it."""

    def __init__(self, screen: Screen, carrier: SmscThread, config: Path) -> None:
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
        done = hotline(self.config, *arguments, typed=typed)
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
            done = hotline(self.config, "accounts", "verify-password", username, typed=password)
            if (done.returncode == 0) != expected:
                word = "is refused" if expected else "still opens the account"
                raise SmsgwError(f"{username}: the {'new' if expected else 'old'} password {word}")
        self.screen.check(f"{username}: the new password opens the account, the old one no more")
