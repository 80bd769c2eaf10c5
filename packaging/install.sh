#!/bin/sh
# Puts smsgw into a system: `make install` calls it, and `make deb` to fill a package.
#
#   DESTDIR      a folder that stands for /, to fill a package (default: none)
#   PREFIX       /usr/local unless given; the files in systemd/ name that
#   SYSCONFDIR   /etc unless given
#   PYTHON       the interpreter that runs it, python3 unless given: it must stay on the machine
#
# Everything of Python goes into PREFIX/lib/smsgw, a venv of its own with the locked versions. pip
# takes them from its index, or where PIP_NO_INDEX and PIP_FIND_LINKS say. Nothing is started.
set -eu
cd "$(dirname "$0")/.."
umask 022

DESTDIR=${DESTDIR:-}
PREFIX=${PREFIX:-/usr/local}
SYSCONFDIR=${SYSCONFDIR:-/etc}
PYTHON=$(readlink -f "$(command -v "${PYTHON:-python3}")")
home=$PREFIX/lib/smsgw
venv=$DESTDIR$home
share=$DESTDIR$PREFIX/share

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "smsgw needs Python 3.11 or newer as PYTHON" >&2
    exit 1
}
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "$PYTHON lacks venv: apt install python3-venv" >&2
    exit 1
}

# -- Python ------------------------------------------------------------------------------------
"$PYTHON" -m venv --clear "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install --no-compile --only-binary :all: --require-hashes -r requirements.lock
# From a copy: the build leaves nothing in the sources, whoever may write there.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cp -r smsgw pyproject.toml README.md "$source"
pip install --no-compile --no-deps --no-build-isolation --no-index "$source"

# The pages are drawn by what was just installed.
"$venv/bin/python" -B -c 'import sys; sys.path.append("."); from pathlib import Path
from tools import manpages; manpages.write(Path(sys.argv[1]))' "$share/man"
gzip -9nf "$share"/man/man?/smsgw*
completion() { # SHELL FILE
    mkdir -p "$(dirname "$2")"
    "$venv/bin/python" -B -P -m smsgw completion "$1" >"$2"
}
completion bash "$share/bash-completion/completions/smsgw"
completion zsh "$share/zsh/${ZSH_FUNCTIONS:-site-functions}/_smsgw"
completion fish "$share/fish/vendor_completions.d/smsgw.fish"

# What only the build needed, and 19 MB of names of places, which nobody asks phonenumbers for.
site=$(echo "$venv"/lib/python3.*/site-packages)
pip uninstall --yes flit-core setuptools pip 2>/dev/null
rm -rf "$site/phonenumbers/geodata"
# The scripts of others, activate and its like; what names DESTDIR or lists what is gone.
rm -f "$site"/*.dist-info/RECORD "$site"/*.dist-info/REQUESTED "$site"/*.dist-info/direct_url.json
find "$venv/bin" -type f -delete
rm -rf "${venv:?}/include" "${venv:?}/share" "${venv:?}/lib64" "${venv:?}/.gitignore"
find "$venv" -name __pycache__ -type d -prune -exec rm -rf {} +
sed -i '/^command = /d' "$venv/pyvenv.cfg"
cat >"$venv/bin/smsgw" <<END
#!$home/bin/python -sP
import sys

from smsgw.cli.main import main

sys.exit(main())
END
chmod 755 "$venv/bin/smsgw"
mkdir -p "$DESTDIR$PREFIX/bin"
ln -sfn ../lib/smsgw/bin/smsgw "$DESTDIR$PREFIX/bin/smsgw"

# -- everything else ---------------------------------------------------------------------------
placed() { # MODE FILE TARGET: with PREFIX in the place of /usr/local
    mkdir -p "$(dirname "$3")"
    sed "s|/usr/local/|$PREFIX/|g" "$2" >"$3"
    chmod "$1" "$3"
}
for unit in smsgw.service smsgw-backup.service smsgw-backup.timer smsgw-portal.service; do
    placed 644 "systemd/$unit" "$DESTDIR$PREFIX/lib/systemd/system/$unit"
done
placed 644 systemd/smsgw.sysusers "$DESTDIR$PREFIX/lib/sysusers.d/smsgw.conf"
placed 644 systemd/smsgw.tmpfiles "$DESTDIR$PREFIX/lib/tmpfiles.d/smsgw.conf"
placed 440 systemd/smsgw.sudoers "$DESTDIR$SYSCONFDIR/sudoers.d/smsgw"
placed 644 config.example.toml "$DESTDIR$SYSCONFDIR/smsgw/config.example.toml"
mkdir -p "$share/doc/smsgw/docs/screens" "$share/doc/smsgw/alerts" "$share/doc/smsgw/grafana"
cp docs/*.md docs/*.svg "$share/doc/smsgw/docs"
cp docs/screens/*.png "$share/doc/smsgw/docs/screens"
cp README.md CHANGELOG.md "$share/doc/smsgw"
cp packaging/alerts/*.yml "$share/doc/smsgw/alerts"
cp packaging/grafana/*.json "$share/doc/smsgw/grafana"

if [ -z "$DESTDIR" ]; then
    "$venv/bin/python" -m compileall -q "$site"
    echo "smsgw is in $PREFIX; what comes next: docs/installing.md"
fi
