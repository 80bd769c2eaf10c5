"""The desk between links and gateway: everything that came in since the last commit is one batch.

desk       has batches written, and hands out what follows from them
port       what it needs of a link
pending    what waits for its answer: copies, and how much one link or sender may have waiting
timetable  when something of a link falls due
traffic    one line in the log for the texts of a batch
"""

from smsgw.desk.desk import Desk
from smsgw.desk.pending import MAX_OF_SENDER, MAX_WAITING, MAX_WAITING_OCTETS
from smsgw.desk.port import Port

__all__ = ["MAX_OF_SENDER", "MAX_WAITING", "MAX_WAITING_OCTETS", "Desk", "Port"]
