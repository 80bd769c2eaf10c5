"""Runs a script on a terminal and answers what is asked there, as a sysadmin would.

    python3 typist.py SCRIPT '[["password of .*:", "secret"]]'

It goes into the machine of `make machine` and needs nothing but Python. Each answer is given once,
in any order, when its pattern is in the output since the last one. Exit status: the script's.
"""

import json
import os
import pty
import re
import sys


def main() -> int:
    script, waiting = sys.argv[1], [tuple(pair) for pair in json.loads(sys.argv[2])]
    child, terminal = pty.fork()
    if not child:
        os.execvp("bash", ["bash", "-e", script])  # noqa: S606  it is one
    said = ""
    while True:
        try:
            got = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not got:
            break
        os.write(1, got)
        said += got.decode(errors="replace")
        for pair in waiting:
            if re.search(pair[0], said):
                waiting.remove(pair)
                os.write(terminal, pair[1].encode() + b"\n")
                said = ""
                break
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


sys.exit(main())
