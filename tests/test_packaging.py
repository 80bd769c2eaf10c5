"""What a package is made of fits together. `make deb` builds one; here nothing is built."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
DEBIAN = PACKAGING / "debian"
INSTALL = (PACKAGING / "install.sh").read_text()
SCRIPTS = [*PACKAGING.glob("*.sh"), *(DEBIAN / name for name in ("postinst", "prerm", "postrm"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_ends_at_the_first_fault_and_is_one(script):
    text = script.read_text()
    assert text.startswith("#!/bin/sh\n#")
    assert re.search(r"^set -eu?$", text, re.MULTILINE)
    read = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (0, "") == (read.returncode, read.stderr)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script):
    # SC1091: /etc/os-release is not ours to read
    read = subprocess.run(
        ["shellcheck", "-e", "SC1091", str(script)], capture_output=True, text=True, check=False
    )
    assert "" == read.stdout


def test_everything_in_systemd_is_installed():
    named = set(re.findall(r"smsgw[\w-]*\.(?:service|timer|sysusers|tmpfiles|sudoers)\b", INSTALL))
    there = {path.name for path in (ROOT / "systemd").iterdir()}
    assert there == named, "packaging/install.sh puts each file into its place"


def test_everything_in_etc_is_a_conffile():
    in_etc = set(re.findall(r'"\$DESTDIR\$SYSCONFDIR(/\S+)"', INSTALL))
    listed = set((DEBIAN / "conffiles").read_text().split())
    assert {f"/etc{name}" for name in in_etc} == listed, "packaging/debian/conffiles lists them"


def test_every_blank_of_the_control_file_is_filled():
    blanks = re.findall(r"@[A-Z_]+@", (DEBIAN / "control.in").read_text())
    filled = re.findall(r"s\|(@[A-Z_]+@)\|", (PACKAGING / "deb.sh").read_text())
    assert set(blanks) == set(filled)


def test_units_that_the_package_enables_are_its_own():
    for name in ("postinst", "postrm", "prerm"):
        units = re.findall(r"smsgw[\w-]*\.(?:service|timer)", (DEBIAN / name).read_text())

        assert units
        assert set(units) <= {p.name for p in (ROOT / "systemd").iterdir()}


def test_removal_keeps_what_only_a_purge_removes():
    removal, purge = (DEBIAN / "postrm").read_text().split('if [ "$1" = purge ]; then')
    assert "rm -" not in removal
    assert "for folder in /var/lib/smsgw /etc/smsgw; do\n" in purge
    assert not re.search(r"rm -rf[^\n]*backups", purge)


def test_names_of_places_that_the_package_leaves_out_are_not_needed():
    asked = """
import sys
import smsgw.daemon, smsgw.gateway, smsgw.phone
sys.exit(any(name.startswith("phonenumbers.geodata") for name in sys.modules))
"""
    assert 0 == subprocess.run([sys.executable, "-c", asked], check=False).returncode


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="needs systemd-sysusers")
def test_users_and_groups_are_made(tmp_path):
    (tmp_path / "etc").mkdir()
    made = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(ROOT / "systemd" / "smsgw.sysusers")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if made.returncode and "smsgw.sysusers" not in made.stderr:
        pytest.skip(f"systemd-sysusers makes nothing here: {made.stderr.strip()[:200]}")
    assert 0 == made.returncode, made.stderr
    users = (tmp_path / "etc" / "passwd").read_text().splitlines()
    assert [("smsgw", "/var/lib/smsgw")] == [(u.split(":")[0], u.split(":")[5]) for u in users]
    groups = {line.split(":")[0] for line in (tmp_path / "etc" / "group").read_text().splitlines()}
    assert {"smsgw", "smsgw-look", "smsgw-act"} == groups


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="needs systemd-tmpfiles")
def test_folders_are_for_nobody_else(tmp_path):
    text = (ROOT / "systemd" / "smsgw.tmpfiles").read_text()
    for owner in ("root", "smsgw"):  # who that is matters on the machine, not here
        text = re.sub(rf" {owner}\b(?=[ \w-]*$)", " -", text, flags=re.MULTILINE)
    file = tmp_path / "smsgw.conf"
    file.write_text(text)
    made = subprocess.run(
        ["systemd-tmpfiles", "--create", f"--root={tmp_path}", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (made.returncode, made.stderr)
    modes = {
        f"/{path}": (tmp_path / path).stat().st_mode & 0o777
        for path in ("etc/smsgw", "var/backups/smsgw")
    }
    assert {"/etc/smsgw": 0o750, "/var/backups/smsgw": 0o700} == modes


def test_health_check_of_the_image_asks_where_its_example_listens():
    containerfile = (PACKAGING / "Containerfile").read_text()
    example = (ROOT / "config.example.toml").read_text()
    [address] = re.findall(r'^# listen = "(.*)"$', example, re.MULTILINE)
    assert f"'http://{address}/healthz'" in containerfile
    assert "s/^# listen = /listen = /" in containerfile


def test_the_image_is_bounded_as_the_unit_is():
    unit = (ROOT / "systemd" / "smsgw.service").read_text()
    compose = (PACKAGING / "compose.yaml").read_text()
    for setting, key in (
        ("MemoryMax", "mem_limit"),
        ("TasksMax", "pids_limit"),
        ("TimeoutStopSec", "stop_grace_period"),
    ):
        [bound] = re.findall(rf"^{setting}=(\w+)$", unit, re.MULTILINE)
        assert f"    {key}: {bound.lower()}\n" in compose
