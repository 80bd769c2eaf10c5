#!/bin/sh
# `make deb`: a Debian package for this machine's Debian, Python and architecture, in dist/.
#
#   PYTHON             /usr/bin/python3 unless given
#   MAINTAINER         whom the package names
#   BUILD              a number behind the version, to tell packages of one version apart
#   SOURCE_DATE_EPOCH  the time of all files inside; of the last commit unless given
#
# Plain dpkg-deb around what install.sh puts into a folder. The venv is that of one Python, and so is
# the package (Depends). Built twice from the same commit, on the same machine, it is the same file.
set -eu
cd "$(dirname "$0")/.."
umask 022

PYTHON=${PYTHON:-/usr/bin/python3}
MAINTAINER=${MAINTAINER:-smsgw <sysadmin@example.vn>}
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH
. /etc/os-release
architecture=$(dpkg --print-architecture)
python=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$PYTHON" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)+${ID}${VERSION_ID:-}${BUILD:+.$BUILD}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
share=$root/usr/share
mkdir -p "$root/DEBIAN"
DESTDIR=$root PREFIX=/usr SYSCONFDIR=/etc PYTHON=$PYTHON ZSH_FUNCTIONS=vendor-completions \
    packaging/install.sh

# Debian's documents. What stands inside comes under many licences, each kept beside its package.
doc=$share/doc/smsgw
{
    printf 'smsgw (%s) %s; urgency=medium\n\n  * See CHANGELOG.md.\n\n' "$version" "${VERSION_CODENAME:-stable}"
    printf ' -- %s  %s\n' "$MAINTAINER" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"
{
    echo "smsgw, the SMS gateway behind the short code 8188: copyright its authors."
    echo
    echo "The package holds these Python packages, unchanged but for parts left out. Their licences"
    echo "stand below /usr/lib/smsgw, each in the folder that ends in .dist-info; the common ones also in"
    echo "/usr/share/common-licenses (LGPL-3, Apache-2.0, MPL-2.0)."
    echo
    "$root/usr/lib/smsgw/bin/python" -B - <<'END'
from importlib.metadata import distributions

for package in sorted(distributions(), key=lambda package: package.name.lower()):
    about = package.metadata
    kinds = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if c.startswith("License")]
    licence = about.get("License-Expression") or (about.get("License") or "").split("\n")[0]
    if package.name != "smsgw":
        print(f"  {package.name} {package.version}: {licence or ', '.join(kinds)}")
END
} >"$doc/copyright"
mkdir -p "$share/lintian/overrides"
cp packaging/debian/smsgw.lintian-overrides "$share/lintian/overrides/smsgw"
[ ! "$(command -v strip)" ] || find "$root/usr/lib/smsgw" -name '*.so' -exec strip --strip-unneeded {} +
find "$root" -name '*.so*' -type f -exec chmod 644 {} +
# tmpfiles.d makes it, with the service's group.
chmod 755 "$root/etc/smsgw"

libc=$(find "$root/usr/lib/smsgw" -name '*.so*' -type f -exec grep -aoh 'GLIBC_2\.[0-9]*' {} + |
    sed 's/GLIBC_//' | sort -Vu | tail -1)
sed -e "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@MAINTAINER@|$MAINTAINER|" \
    -e "s|@SIZE@|$(du -sk --apparent-size "$root" | cut -f1)|; s|@LIBC@|$libc|" \
    -e "s|@PYTHON@|$python|; s|@NEXT_PYTHON@|$next|" packaging/debian/control.in >"$root/DEBIAN/control"
cp packaging/debian/conffiles "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\n' |
    LC_ALL=C sort | xargs -d '\n' md5sum) >"$root/DEBIAN/md5sums"

mkdir -p dist
file=dist/smsgw_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
echo "$file: $(($(stat -c %s "$file") / 1024)) kB, for Python $python"
