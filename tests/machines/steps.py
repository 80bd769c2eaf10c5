"""The steps of `make machine`, in their order: each follows a document, then looks what became.

A step's docstring is its line in the report. It fails by an assert, or by a command in the machine
that did not end with 0.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.machines.nspawn import Failed, Machine, until
from tests.machines.pages import blocks

#: What `smsgw smsc` asks for, and the password that a sysadmin types for it.
PASSWORD = "secret"
#: What hands do in an editor, by the file; 3: not known here (tests/machines/nspawn.py).
HANDS = r"""
case $1 in
*/config.toml)
    sed -i -e 's|^host = "smsc.example.vn"|host = "127.0.0.1"|' "$1"
    if [ -e /srv/credentials ]; then sed -i '/^password = "secret"$/d' "$1"
    else sed -i 's|^# listen = |listen = |' "$1"; fi ;;
*/prometheus.yml)
    sed -i -e 's|^rule_files:|&\n  - /usr/share/doc/smsgw/alerts/smsgw.rules.yml|' \
      -e 's|^scrape_configs:|&\n  - job_name: smsgw\n    static_configs:\n      - targets: [""]|' \
      -e 's|targets: .""]|targets: ["127.0.0.1:9188"]|' "$1" ;;
*) exit 3 ;;
esac
"""
YES = (r"\[Y/n\]", "y")
CITIZEN = "84905123456 TK,Nguyen Van An,201234567,01.02.1990"
LATER = "84905123457 TK,Tran Thi Binh,201234568,02.03.1991"


class Stage:
    """One machine, the packages for it, and what was shown on its terminal."""

    def __init__(self, machine: Machine, old: Path, new: Path, disk: Path) -> None:
        self.machine, self.old, self.new, self.disk = machine, old, new, disk
        self.blocks = blocks()
        self.shown: list[str] = []
        self.asked = 0

    def block(
        self,
        name: str,
        answers: Sequence[tuple[str, str]] = (),
        instead: Sequence[tuple[str, str]] = (),
    ) -> str:
        """Run the block *name* of the documents; *instead* puts this machine's names into it."""
        block = self.blocks[name]
        text = block.text
        for was, now in instead:
            assert was in text, f"{block.page}:{block.line} does not say {was}"
            text = text.replace(was, now)
        return self.run(text, answers, block.typed, f"{block.page}:{block.line}")

    def run(
        self,
        script: str,
        answers: Sequence[tuple[str, str]] = (),
        typed: str = "",
        whence: str = "",
    ) -> str:
        began = time.monotonic()
        try:
            shown = self.machine.type(script, answers, typed, HANDS)
        except Failed as error:
            self.shown.append(f"## {whence}\n{script}\n-- FAILED\n{error}\n")
            raise
        seconds = time.monotonic() - began
        self.shown.append(f"## {whence}\n{script}\n-- {seconds:.1f} s\n{shown}\n")
        return shown

    def quietly(self, script: str) -> str:
        """The same, and no failure: for who only wants to look."""
        try:
            return self.machine.plain(script)
        except (Failed, subprocess.TimeoutExpired):
            return ""

    @staticmethod
    def refuses(what: str, do: Callable[[], object]) -> None:
        try:
            do()
        except Failed:
            return
        raise AssertionError(f"not refused: {what}")

    def well(self, patience: float = 60) -> str:
        """Wait until `smsgw status` says that all is well."""
        began = time.monotonic()
        for _ in until(patience):
            with suppress(Failed):
                self.machine.plain("sudo -u smsgw smsgw status")
                return f"all well after {time.monotonic() - began:.1f} s"
        return self.run("sudo -u smsgw smsgw status")

    def status(self) -> str:
        return self.quietly("sudo -u smsgw smsgw status || true")

    def text(self, line: str, expected: str, patience: float = 60) -> str:
        """Send *line* as a citizen's text; the carrier's line with the answer."""
        out = self.machine.root / "var/log/smsc.out"
        seen = out.stat().st_size
        self.machine.plain(f"echo '{line}' >/run/texts")
        phone = line.partition(" ")[0]
        for _ in until(patience):
            new = out.read_bytes()[seen:].decode()
            if found := re.search(rf".*MT  {phone}  .*{expected}.*", new):
                self.shown.append(f"## the citizen reads\n{found[0]}\n")
                return found[0]
        raise Failed(f"no answer to {phone} within {patience} s:\n{new}")

    def is_served(self) -> None:
        """A citizen who texts nonsense is told so. The same words twice would be a repeat."""
        self.asked += 1
        self.text(f"84905123456 XIN CHAO {self.asked}", "Loi. Tin nhan sai")

    def accounts(self) -> int:
        listed = self.machine.plain("sudo -u smsgw smsgw accounts list --format json")
        return len(json.loads(listed))


def install_before(stage: Stage) -> str:
    """The package of the version before is installed, without a network."""
    root = stage.machine.root
    (root / "srv" / stage.old.name).write_bytes(stage.old.read_bytes())
    stage.block("install", [YES])
    (root / "srv" / stage.old.name).unlink()
    return stage.run(
        "systemctl is-enabled smsgw smsgw-backup.timer; systemctl is-active smsgw || true"
    )


def configure(stage: Stage) -> None:
    """Configuration and the carrier's password as an encrypted credential."""
    stage.run("touch /srv/credentials")
    stage.block("credential", [("password of link viettel:?", PASSWORD)])
    with suppress(Failed):  # the version before wants to see the password itself
        stage.block("configure")


def begin_carrier(stage: Stage) -> None:
    simulator = f"/opt/carrier/bin/python -sP -m smsgw smsc --system-id smsgw --password {PASSWORD}"
    stage.run(
        "mkfifo /run/texts\n"
        "systemd-run --unit=carrier -p StandardOutput=append:/var/log/smsc.out "
        f"bash -c 'exec {simulator} 0<>/run/texts'"
    )


def carrier(stage: Stage) -> None:
    """A carrier stands beside it: the package's own simulator."""
    stage.run("cp -a /usr/lib/smsgw /opt/carrier")
    begin_carrier(stage)


def first_start(stage: Stage) -> str:
    """First start: bound, a citizen registers and reads the password."""
    with suppress(Failed):
        stage.block("first-start")
    well = stage.well()
    stage.text(CITIZEN, "MK: ")
    assert stage.accounts() == 1
    return well


def upgrade(stage: Stage) -> str:
    """Upgrade from the version before, with its database and credentials."""
    root = stage.machine.root
    (root / "srv" / stage.new.name).write_bytes(stage.new.read_bytes())
    with suppress(Failed):  # a link may take a moment longer than the command behind it
        stage.block("upgrade", [YES])
    well = stage.well()
    stage.run("smsgw check-config")
    installed = stage.machine.plain("dpkg-query -W -f '${Version}' smsgw")
    assert installed in stage.new.name.replace("%2b", "+"), installed
    assert stage.accounts() == 1
    return f"{installed}, {well}; " + stage.run("cd /var/lib/smsgw; echo *")


def units(stage: Stage) -> str:
    """Systemd finds no fault in the units, and little that the sandbox leaves open."""
    names = "smsgw.service smsgw-portal.service smsgw-backup.service smsgw-backup.timer"
    said = stage.run(f"systemd-analyze verify --man=no {names}")
    assert said.strip() == "", said
    found = {}
    for unit, most in (("smsgw", 1.2), ("smsgw-portal", 1.5), ("smsgw-backup", 1.2)):
        text = stage.run(f"systemd-analyze security --no-pager {unit}.service")
        found[unit] = float(re.findall(r"exposure level for .*: ([\d.]+)", text)[0])
        assert found[unit] <= most, f"{unit}: {found[unit]}"
    return ", ".join(f"{unit} {value}" for unit, value in found.items())


def inside(stage: Stage) -> None:
    """Man pages, completion, sudo's rules, alarms and documents are there."""
    stage.run(
        "man -w smsgw smsgw.toml smsgw-backup smsgw-status\n"
        "man smsgw | head -20\n"
        "test -s /usr/share/bash-completion/completions/smsgw\n"
        "visudo --check\n"
        "test -s /usr/share/doc/smsgw/alerts/smsgw.rules.yml\n"
        "test -s /usr/share/doc/smsgw/docs/runbook.md\n"
        'test "$(stat -c %a:%U:%G /etc/smsgw)" = 750:root:smsgw\n'
        'test "$(stat -c %a:%U:%G /var/lib/smsgw)" = 700:smsgw:smsgw\n'
    )


def first_look(stage: Stage) -> None:
    """What the runbook says to begin with, whatever rings."""
    stage.block("first-look")


def hotline(stage: Stage) -> str:
    """A member of the hotline looks a citizen up, and may do no more."""
    stage.run("id linh 2>/dev/null || useradd --create-home --shell /bin/bash linh")
    allowed = stage.block("hotline")
    assert "accounts show" in allowed
    shown = stage.run(
        "su - linh -c 'sudo -n -u smsgw smsgw accounts show -'", [("KEY:?", "0905 123 456")]
    )
    assert "201234567" in shown, shown
    stage.run("su - linh -c 'sudo -n -u smsgw smsgw status'")
    close = "sudo -n -u smsgw smsgw accounts close cmnd:201234567 --yes --reason no"
    stage.refuses("linh closes an account", lambda: stage.run(f"su - linh -c '{close}'"))
    hint = stage.run("su - linh -c 'smsgw status' || true")
    assert "sudo" in hint, hint
    journal = stage.machine.plain("journalctl --no-pager")
    assert "0905123456" not in journal.replace(" ", "")
    return "no number in the journal"


def reload(stage: Stage) -> str:
    """A new configuration is taken over; one with a fault is refused, and nothing changes."""
    pid = stage.machine.plain("systemctl show -p MainPID --value smsgw")
    stage.run("sed -i 's/^max_per_second = .*/max_per_second = 50/' /etc/smsgw/config.toml")
    stage.block("new-configuration")
    stage.run("sed -i 's/^max_per_second = .*/max_per_second = -3/' /etc/smsgw/config.toml")
    stage.refuses("a pace of -3", lambda: stage.block("new-configuration"))
    refused = stage.run("systemctl reload smsgw && exit 9; journalctl -n 5 --no-pager -u smsgw")
    assert "max_per_second" in refused, refused
    stage.run("sed -i 's/^max_per_second = .*/max_per_second = 0/' /etc/smsgw/config.toml")
    stage.block("new-configuration")
    stage.run("kill -HUP $(systemctl show -p MainPID --value smsgw)")
    stage.is_served()
    assert pid == stage.machine.plain("systemctl show -p MainPID --value smsgw")
    return "the same process all along"


def links(stage: Stage) -> None:
    """A link is tried step by step, stopped and started by hand."""
    stage.block("test-link")
    stage.block("stop-link")
    stage.well()


def backup(stage: Stage) -> str:
    """A backup now, one by hand, and one by the timer at its time."""
    stage.block("backup-now")
    stage.block("backup")
    folder = stage.machine.root / "var/backups/smsgw"
    had = len(list(folder.glob("smsgw-*.db")))
    assert had == 2, had
    soon = "[Timer]\\nOnCalendar=\\nOnCalendar=*:*:0/5\\nRandomizedDelaySec=0\\nAccuracySec=1s\\n"
    place = "/run/systemd/system/smsgw-backup.timer.d"
    stage.run(
        f"mkdir -p {place}; printf '{soon}' >{place}/soon.conf; systemctl daemon-reload\n"
        "systemctl restart smsgw-backup.timer"
    )
    for _ in until(60):
        if len(list(folder.glob("smsgw-*.db"))) > had:
            break
    stage.run(f"rm -r {place}; systemctl daemon-reload; systemctl restart smsgw-backup.timer")
    made = sorted(each.name for each in folder.glob("smsgw-*.db"))
    assert len(made) > had, stage.run("systemctl status smsgw-backup.timer smsgw-backup || true")
    return f"{len(made)} copies"


def restore(stage: Stage) -> str:
    """Restore: who registered after the copy is gone and registers again."""
    stage.text(LATER, "MK: ")
    assert stage.accounts() == 2
    [example] = set(re.findall(r"smsgw-\d{4}-\S+\.db", stage.blocks["restore"].text))
    copies = sorted((stage.machine.root / "var/backups/smsgw").glob("smsgw-*.db"))
    shown = stage.block("restore", instead=[(example, copies[-1].name)])
    well = stage.well()
    assert stage.accounts() == 1
    stage.text(LATER, "MK: ")
    return well if "rm: " not in shown else shown


def new_key(stage: Stage) -> str:
    """The secret key is rotated; the old line is taken away."""
    stage.block("new-key")
    stage.run("systemctl restart smsgw")
    for _ in until(90):
        if "the secret key was rotated" in stage.quietly("journalctl --no-pager -n 50 -u smsgw"):
            break
    stage.run("journalctl --no-pager -n 20 -u smsgw | grep 'the secret key was rotated'")
    stage.run("sed -i 2,9d /var/lib/smsgw/secret.key; systemctl restart smsgw")
    stage.well()
    reset = "sudo -u smsgw smsgw accounts reset-password phone:0905123456 --reason lost"
    stage.run(reset)
    return stage.run("ls -l /var/lib/smsgw/secret.key")


def key_as_credential(stage: Stage) -> str:
    """The key moves into a credential and is rotated there; the commands still work."""
    stage.run(
        "cd /etc/smsgw\n"
        "systemd-creds encrypt --name=secret_key /var/lib/smsgw/secret.key secret_key.cred\n"
        "rm /var/lib/smsgw/secret.key; systemctl edit smsgw\n"
        "systemctl restart smsgw",
        typed="[Service]\nLoadCredentialEncrypted=smsc-viettel:/etc/smsgw/smsc-viettel.cred\n"
        "LoadCredentialEncrypted=secret_key:/etc/smsgw/secret_key.cred\n",
    )
    stage.well()
    stage.block("new-key-credential")
    stage.run("systemctl restart smsgw")
    well = stage.well()
    stage.run("smsgw check-config")
    stage.run("sudo -u smsgw smsgw accounts reset-password phone:0905123456 --reason lost")
    return well


def killed(stage: Stage) -> str:
    """Kill -9: systemd starts it again, and a text that came meanwhile is answered."""
    stage.well()
    stage.run("kill -KILL $(systemctl show -p MainPID --value smsgw)")
    stage.is_served()
    return stage.well()


def stopped(stage: Stage) -> str:
    """SIGSTOP: status says so within ten seconds, the watchdog starts it again."""
    stage.well()
    began = time.monotonic()
    stage.run("kill -STOP $(systemctl show -p MainPID --value smsgw)")
    said_well = told = 0.0
    for _ in until(25):
        asked = time.monotonic() - began
        try:
            stage.machine.plain("sudo -u smsgw smsgw status")
        except Failed as error:
            told = asked
            stage.shown.append(str(error))
            break
        said_well = asked
    for _ in until(90):
        if "watchdog" in stage.quietly("systemctl show -p Result smsgw; journalctl -n 30 -u smsgw"):
            break
    stage.well(90)
    again = time.monotonic() - began
    assert told, f"status says for 25 s that all is well; well again after {again:.0f} s"
    # A heartbeat may be no older than ten seconds.
    assert said_well < 10.5, f"asked {said_well:.1f} s after it, status says that all is well"
    return f"asked {told:.1f} s after it, status says so; all well again after {again:.0f} s"


def full(stage: Stage) -> str:
    """Full disk: it says so and goes on; the text is answered once there is room."""
    stage.well()
    stage.run("df -h /var/lib/smsgw; cat /dev/zero >/var/lib/smsgw/filler 2>/dev/null || true")
    sent = "84905123458 TK,Le Van Cuong,201234569,03.04.1992"
    stage.machine.plain(f"echo '{sent}' >/run/texts")
    for _ in until(30):
        said = stage.status()
        if "disk" in said or "full" in said:
            break
    stage.shown.append(said)
    assert re.search(r"disk|full", said), said
    active = stage.machine.plain("systemctl is-active smsgw")
    stage.run("rm /var/lib/smsgw/filler")
    well = stage.well(90)
    out = stage.machine.root / "var/log/smsc.out"
    for _ in until(60):
        if re.search(r"MT  84905123458  .*MK: ", out.read_text()):
            return f"{active.strip()} meanwhile; {well}"
    raise Failed("the text that came meanwhile has no answer")


def frozen(stage: Stage) -> str:
    """Frozen disk (fsfreeze): it is said, the daemon lives, and goes on when the disk does."""
    stage.well()
    pid = stage.machine.plain("systemctl show -p MainPID --value smsgw").strip()
    subprocess.run(["fsfreeze", "--freeze", str(stage.disk)], check=True)
    began = time.monotonic()
    told = None
    try:
        for _ in until(40):
            heading = stage.quietly("systemctl show -p StatusText --value smsgw")
            if re.search("answer|heartbeat|silent", heading):
                told = time.monotonic() - began
                break
        stage.shown.append(heading)
        asked = time.monotonic()
        stage.shown.append(stage.quietly("timeout 60 sudo -u smsgw smsgw status 2>&1 || true"))
        took = time.monotonic() - asked
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", str(stage.disk)], check=True)
    well = stage.well()
    assert pid == stage.machine.plain("systemctl show -p MainPID --value smsgw").strip()
    assert told is not None, "STATUS of systemd does not say it within 40 s"
    assert took < 45, f"status took {took:.0f} s"
    return f"said after {told:.0f} s, status took {took:.1f} s; the same process, {well}"


def reboot(stage: Stage) -> str:
    """Reboot: bound again, with the encrypted credentials."""
    stage.quietly("systemctl reboot")
    stage.machine.ended(90)
    stage.machine.boot()
    begin_carrier(stage)
    well = stage.well()
    stage.is_served()
    return well


def purge(stage: Stage) -> str:
    """Purge: only what `systemctl edit` wrote is left, and the disk's own folder, empty."""
    stage.block("purge", [YES])
    ours = ("root", "srv", "proc", "opt", "var/log", "sys", "run", "tmp")
    others = " ".join(f"-not -path '/{place}/*'" for place in ours)
    left = stage.run(f"find / -xdev -iname '*smsgw*' {others}; ls -A /var/lib/smsgw || true")
    return "left: " + (" ".join(left.split()) or "nothing")


def run_it(stage: Stage) -> str:
    """README: from nothing to a bound gateway"""
    began = time.monotonic()
    root = stage.machine.root
    (root / "srv" / stage.new.name).write_bytes(stage.new.read_bytes())
    # The carrier is there before the gateway: out of the same package, unpacked beside it.
    stage.machine.plain(f"dpkg-deb -x /srv/{stage.new.name} /opt/unpacked")
    stage.machine.plain("mv /opt/unpacked/usr/lib/smsgw /opt/carrier")
    begin_carrier(stage)
    stage.block("run-it", [YES])
    well = stage.well()
    stage.text(CITIZEN, "MK: ")
    return f"{time.monotonic() - began:.0f} s; {well}"


def run_it_alarm(stage: Stage) -> str:
    """README: with a copy of the database and alarms"""
    stage.block("run-it-alarm", [YES])
    assert list((stage.machine.root / "var/backups/smsgw").glob("smsgw-*.db"))
    for _ in until(90, every=1):
        up = stage.quietly("promtool query instant http://127.0.0.1:9090 'up{job=\"smsgw\"}'")
        if "=> 1 @" in up:
            break
    assert "=> 1 @" in up, up
    return up.strip()


def ring(stage: Stage) -> str:
    """README: the alarm rings once the service is stopped"""
    began = time.monotonic()
    stage.block("run-it-ring")
    firing = "promtool query instant http://127.0.0.1:9090 'ALERTS{alertstate=\"firing\"}'"
    for _ in until(300, every=2):
        if "SmsgwGone" in (said := stage.quietly(firing)):
            rang = time.monotonic() - began
            stage.run("systemctl start smsgw")
            return f"after {rang:.0f} s; {stage.well()}"
    raise Failed(f"no alarm in five minutes: {said}")


#: On a machine that has nothing yet.
BARE: Sequence[Callable[[Stage], str | None]] = (run_it, run_it_alarm, ring)

STEPS: Sequence[Callable[[Stage], str | None]] = (
    install_before, configure, carrier, first_start, upgrade, units, inside, first_look, hotline,
    reload, links, backup, restore, new_key, key_as_credential, killed, stopped, full, frozen,
    reboot, purge,
)  # fmt: skip
