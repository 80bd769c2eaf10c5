"""`smsgw demo`: the whole service in one command, and how it fails when a reply is not right."""

import os
import re
from typing import Any

import pytest

from smsgw.demo import play as script
from smsgw.demo.gateway import running
from smsgw.demo.phones import AN
from smsgw.demo.screen import Screen
from smsgw.errors import SmsgwError
from smsgw.simulator import SmscThread
from tests.conftest import Commands
from tests.portal.browser import Browser
from tools.imports import ROOT
from tools.picture import PICTURE, beginning, words

README = ROOT / "README.md"
PASSWORD = re.compile("MK(?: moi)?: ([a-z2-9]{8})")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """One play of the demo for all who look at it, and the folder that it had for its files."""
    folder = tmp_path_factory.mktemp("played")
    return Commands()("demo", timeout=60, environment={"TMPDIR": str(folder)}), folder


def test_demo_plays_and_ends_well(played):
    done, folder = played
    assert (0, "") == (done.returncode, done.stderr)
    assert "Every reply came, word for word. 5 replies" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "\033" not in done.stdout
    text = re.sub(r"[\s│]+", " ", done.stdout)
    phones, hotline = text.split("At the hotline")
    passwords = PASSWORD.findall(phones)
    assert 3 == len(set(passwords))
    assert not any(password in hotline for password in passwords)
    assert 2 == hotline.count("********")
    assert [] == list(folder.iterdir())


def test_picture_in_the_readme_is_what_the_demo_shows(played):
    shown = played[0].stdout
    assert masked(beginning(shown.splitlines())) == masked(words(PICTURE.read_text("utf-8"))), (
        "run: make picture"
    )
    assert f"](docs/{PICTURE.name})" in README.read_text("utf-8")


def masked(lines):
    """*lines* without what differs each time: passwords and times."""
    return re.sub(r"(?<=MK: )[a-z2-9]{8}|\d\d:\d\d:\d\d", "*", "\n".join(lines))


def test_citizen_may_type_the_texts(smsgw):
    typed = "TK,Nguyen Van An,201234567,01.02.1990\n84914222333 TK;Nguyễn,201234567;1/2/1990\n\n"
    done = smsgw("demo", "--interactive", input=typed)
    assert (0, "") == (done.returncode, done.stderr)
    text = re.sub(r"[\s│]+", " ", done.stdout)
    assert "TK: 201234567, MK: " in text
    assert "So CMND da duoc su dung" in text


def test_demo_that_is_ended_takes_its_gateway_with_it(smsgw, tmp_path):
    child = smsgw.start("demo", environment={"TMPDIR": str(tmp_path)})
    while "╰".encode() not in child.stdout.readline():
        pass
    (folder,) = tmp_path.iterdir()
    gateway = int((folder / "smsgw.db.lock").read_text())
    child.terminate()
    _, errors = child.communicate(timeout=20)
    assert (1, b"smsgw: interrupted") == (child.returncode, errors.strip())
    with pytest.raises(ProcessLookupError):
        os.kill(gateway, 0)
    assert [] == list(tmp_path.iterdir())


def test_pages_of_the_demo_open_with_what_it_prints(smsgw, tmp_path):
    child = smsgw.start("demo", "--portal", environment={"TMPDIR": str(tmp_path)})
    said = ""
    while "Ctrl-C ends it." not in said:
        line = child.stdout.readline().decode()
        assert line, said
        said += line
    assert "Safari" in said
    assert "clients create dvc" in said
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", said)[1])
    username, password = (re.search(rf"  {key}: (\S+)\n", said)[1] for key in ("TK", "MK"))
    assert "/mat-khau-moi" == Browser(port).log_in(username, password).location
    child.terminate()
    _, errors = child.communicate(timeout=20)
    assert (0, b"") == (child.returncode, errors.strip())
    assert [] == list(tmp_path.iterdir())


@pytest.fixture
def play(smsc, bound, tmp_path):
    """The play with a gateway that says what the test lets it say."""
    play: Any = script.Play(Screen(), smsc, tmp_path / "config.toml")
    play.gateway = bound(smsc)
    return play


def test_reply_that_differs_by_a_letter_fails_the_demo(play):
    play.gateway.submit(AN.number, script.SYNTAX_ERROR.replace("Loi", "loi").encode())
    with pytest.raises(SmsgwError, match=r"0905 123 456 got the wrong reply; expected: Loi\."):
        play.expect(AN, script.SYNTAX_ERROR)


def test_password_of_another_form_fails_the_demo(play):
    play.gateway.submit(AN.number, script.REGISTERED.format("201234567", "l0l0l0l0").encode())
    with pytest.raises(SmsgwError, match="wrong reply"):
        play.expect(AN, script.REGISTERED, "201234567")


def test_missing_reply_fails_the_demo(play):
    with pytest.raises(SmsgwError, match=r"0905 123 456 got no reply in 0 s; expected: Loi\."):
        play.expect(AN, script.SYNTAX_ERROR, within=0.01)


def test_text_that_the_gateway_does_not_take_fails_the_demo(play, monkeypatch):
    monkeypatch.setattr(script, "REPLY_SECONDS", 0.01)
    with pytest.raises(SmsgwError, match="did not acknowledge: TK"):
        play.text(AN, "TK")


def test_gateway_that_does_not_start_shows_its_last_words(tmp_path, capsys):
    config = tmp_path / "config.toml"
    config.write_text("[gateway]\nshortcod = 1\n")
    log = tmp_path / "log"
    with (
        SmscThread() as carrier,
        pytest.raises(SmsgwError, match="did not start; its last words are above"),
        running(Screen(), config, carrier, log),
    ):
        pass
    assert "shortcod" in capsys.readouterr().out
