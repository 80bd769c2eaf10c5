"""What a process of ours does against those who would look into it. Knows no other room."""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4


def harden() -> None:
    """Keep passwords out of core dumps, and other processes of this user out of our memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
