"""Campaigns against a whole gateway, each a command: `python -m tests.campaigns.crash`."""

import sys
from pathlib import Path

# As pytest does: what tests share stands at the top.
sys.path.append(str(Path(__file__).parents[1]))
