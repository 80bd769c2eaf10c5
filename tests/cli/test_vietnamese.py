"""What the hotline reads whose locale is Vietnamese, and what stays as it is."""

import re
import subprocess
import sys
from datetime import timedelta

import click
import pytest

from smsgw.cli.tables import columns_of
from tests.cli.conftest import AN
from tests.conftest import ENVIRONMENT
from tools.commands import commands
from tools.sentences import HOTLINES

VIETNAMESE = {"LC_ALL": "vi_VN.UTF-8"}
#: Words that stand in every English screen of ours, and in no Vietnamese one.
ENGLISH = re.compile(
    r"\b(the|of|and|is|not|ago|phone|state|name|registered|sent|queued|reply|text|by|none|never)\b"
)
SCREENS = {
    "accounts list": "accounts list",
    "accounts show": "accounts show 0905000001",
    "history": "accounts history 0905000001",
    "history of a phone": "accounts history 0905000004",
    "close-many": "accounts close-many --registered-since 9d --reason tin-rac",
    "messages": "messages list",
    "outbox": "outbox list",
    "links": "links",
    "status": "status",
    "try": "try 0905000004 TK,Le,001234567,8.3.1990",
}
SHOWN = [screen.split() for screen in SCREENS.values() if "close-many" not in screen]


@pytest.fixture
def in_vietnamese(monkeypatch):
    for name, value in VIETNAMESE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_screen_is_vietnamese_and_fits(town, at_terminal, in_vietnamese, screen, columns):
    shown = at_terminal(town, *screen.split(), columns=columns, typed="n\n").stdout
    shown = re.sub(r"\ncơ sở dữ liệu.*?(?=\n\n|$)", "", shown, flags=re.DOTALL)  # a test's path
    assert re.search("[ạảấầẩậắằặẹẻẽếềểệỉịọỏốồổộớờợụủứừựỳỷ]", shown)
    ours = re.sub(r"connection refused|smsgw accounts \S+|Loi\..*|TK[:,].*", "", shown)
    assert [] == ENGLISH.findall(ours)
    lines = [line for line in shown.splitlines() if "smsgw: " not in line]
    assert [] == [line for line in lines if columns_of(line) > columns and ".db" not in line]


def test_columns_stay_aligned(town, at_terminal, in_vietnamese):
    head, rule, *rows = at_terminal(town, "accounts", "list", columns=120).stdout.splitlines()
    for start in (found.start() for found in re.finditer("-+", rule)):
        assert start == 0 or {" "} == {row[start - 1] for row in (head, *rows)}
        assert " " not in {row[start : start + 1] for row in (head, *rows)} - {""}


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("screen", SHOWN, ids="-".join)
def test_machines_get_the_same_in_every_locale(frozen_town, command, monkeypatch, screen, form):
    from smsgw import clock

    monkeypatch.setattr(clock, "now", lambda: frozen_town.now)
    found = []
    for locale in ("C.UTF-8", "vi_VN.UTF-8"):
        monkeypatch.setenv("LC_ALL", locale)
        done = command(frozen_town, *screen, "--format", form)
        found.append(re.sub(r'"?disk_free"?: ?[0-9]+|\b[0-9]{9,13}\b', "", done.stdout))
    assert found[0]
    assert found[0] == found[1]


def test_export_is_the_same_in_every_locale(frozen_town, command, in_vietnamese):
    shown = command(frozen_town, "accounts", "export", AN).stdout
    assert '"state": "issued"' in shown
    assert not re.search("[ạảấầẩậ]", shown)


def test_audit_is_written_in_english(town, command, in_vietnamese):
    command(town, "accounts", "list", "--expiring-within", "2h")
    command(town, "accounts", "show", "0911111111")
    shown = command(town, "audit", "--format", "csv").stdout
    assert "expiring-within=2 h: " in shown
    assert "no such account" in shown
    assert "không có tài khoản như vậy" in command(town, "audit").stdout


@pytest.mark.parametrize("name", HOTLINES)
def test_help_is_vietnamese(smsgw, name):
    paths = [path.split()[1:] for path, _ in commands()]
    for path in [path for path in paths if path[0:1] == [name]][:4]:
        shown = smsgw(*path, "--help", environment=VIETNAMESE).stdout
        assert shown.startswith("Cách dùng: ")
        assert "Tùy chọn:" in shown
        prose = re.sub(r"(?m)^ +smsgw .*|^ +--.*\\?$", "", shown)
        assert [] == re.findall(r"\b(the|and|is|not|with|its)\b", prose)


@pytest.mark.parametrize("columns", ["60", "80"])
def test_help_fits_the_terminal(smsgw, columns):
    shown = smsgw("accounts", "--help", environment=VIETNAMESE | {"COLUMNS": columns}).stdout
    assert max(map(columns_of, shown.splitlines())) <= 80
    assert "Đăng xuất công dân" in shown


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("acounts", "Không có lệnh 'acounts'. Có phải ý bạn là accounts?"),
        ("", "Thiếu tên lệnh."),
        ("accounts show", "Thiếu đối số 'KEY"),
        ("accounts list --satte x", "Không có tùy chọn '--satte'. Có phải ý bạn là --state?"),
        ("accounts list --state isued", "không phải là một trong 'issued', 'active', 'closed'."),
        ("accounts list --limit x", "Giá trị không hợp lệ cho '--limit': 'x' không phải là số"),
        ("accounts list --limit 0", "0 không nằm trong khoảng x>=1."),
        ("messages list --since mai", "'mai' không phải là thời điểm có thật; hãy viết 2026"),
        ("accounts close 1 --reason", "Tùy chọn '--reason' cần có giá trị."),
        ("status x", "Thừa đối số (x)"),
    ],
)
def test_wrong_usage_is_told_in_vietnamese(smsgw, line, told):
    done = smsgw(*line.split(), environment=VIETNAMESE)
    assert 2 == done.returncode
    usage, problem = done.stderr.splitlines()
    assert usage.startswith("Cách dùng: smsgw")
    assert told in problem
    assert " Xem `smsgw" in problem


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("accounts show 0911111111", "không có tài khoản '0911111111': hãy cho tên đăng nhập"),
        ("outbox cancel 99999", "hàng đợi tin đi không có tin trả lời 99999: xem `smsgw outbox"),
        (
            "accounts close-many --registered-since 1h --link mobbi --reason x",
            "không có kết nối 'mobbi': hiện có mobi, viettel; có phải ý bạn là mobi?",
        ),
    ],
)
def test_refusal_is_told_in_vietnamese(town, command, in_vietnamese, line, told):
    done = command(town, *line.split())
    assert 1 == done.status
    assert f"smsgw: {told}" in done.stderr


def test_question_before_destroying_is_vietnamese(town, at_terminal, in_vietnamese):
    line = "accounts close 0905000001 --reason x"
    shown = at_terminal(town, *line.split(), typed="n\n").stdout
    assert "Đóng tài khoản 001234567 của Nguyen Van An, +84905000001?" in shown
    assert "không có gì thay đổi: chỉ trả lời y mới làm, hoặc dùng --yes" in shown


def test_what_was_done_is_told_in_vietnamese(town, command, in_vietnamese):
    done = command(town, "accounts", "close", "0905000001", "--reason", "mất điện thoại")
    assert "001234567: đã đóng\n" == done.stdout
    story = command(town, "accounts", "history", "0905000001").stdout
    assert "đã đóng tài khoản · do linh (mất điện thoại)" in story
    told = command(town, "outbox", "retry", town.failed_id).stdout
    assert f"{town.failed_id}: chờ gửi\n" == told


def test_password_prompt_is_vietnamese(town, at_terminal, in_vietnamese, monkeypatch):
    asked = []

    def typed(prompt):
        asked.append(prompt)
        return "mot-con-vit-xoe-ra"

    # What reads without an echo opens the terminal of the whole session, which a test has not.
    monkeypatch.setattr(click.termui, "hidden_prompt_func", typed)
    shown = at_terminal(town, "accounts", "set-password", "0905000001").stdout
    assert ["Mật khẩu: ", "Nhập lại để xác nhận: "] == asked
    assert "001234567: đang dùng, với mật khẩu riêng của công dân" in shown


def test_problems_of_the_status_are_vietnamese(town, command, in_vietnamese):
    shown = command(town, "status").stdout
    assert "dịch vụ không chạy" in shown
    assert "1 vấn đề" in shown or "2 vấn đề" in shown


def test_time_is_told_in_vietnamese(town, command, in_vietnamese):
    town.text("84905000009", "TK,Le Thi Hoa,201234511,8.3.1990", timedelta(minutes=40))
    shown = command(town, "accounts", "show", "0905000009").stdout
    assert "(40 phút trước)" in shown
    assert "(sau 3 ngày)" in shown


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "vi_VN.UTF-8"},
        {"LC_MESSAGES": "vi_VN.UTF-8"},
        {"LC_ALL": "vi_VN.UTF-8", "LANG": "en_US.UTF-8"},
        {"LANG": "vi_VN.UTF-8", "LC_ALL": ""},
        {"LANG": "en_US.UTF-8", "LANGUAGE": "vi:en"},
    ],
    ids=str,
)
def test_system_need_not_have_the_locale(environment):
    """No `vi_VN` is made on most servers, nor does Python know UTF-8 there by itself."""
    kept = {n: v for n, v in ENVIRONMENT.items() if n not in ("LC_ALL", "PYTHONUTF8")}
    done = subprocess.run(
        [sys.executable, "-m", "smsgw.cli.main", "status", "--help"],
        env=kept | environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "Cách dùng: smsgw status" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1258"])
def test_terminal_without_the_letters_gets_english(smsgw, encoding):
    environment = VIETNAMESE | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = smsgw("status", "--help", environment=environment)
    assert done.stdout.startswith("Usage: smsgw status")


def test_english_loads_no_catalogue(smsgw):
    code = (
        "import sys; from smsgw import speech; speech.FOLDER = None;"
        "from smsgw.cli.main import execute; sys.exit(execute(['status', '--help']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
