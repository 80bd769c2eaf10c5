"""Links to SMSCs: sockets to sessions, sessions to the desk, and back again after each loss.

    Links        all of them by name; made, changed and ended as the configuration says
    Here         which of them are this node's
    Link         one [[smsc]] table: its queue of MTs, its pace, its state; the desk's Port
    Line         one bind of it, kept alive
    Trial        first contact: the steps of a try, and round trips
    visit        the same by a bind of its own, where no daemon has the link
    Connection   one TCP connection with its smpp.Session

Each speaks to the one above through a Protocol, and writes into nobody's attributes.
"""

from smsgw.links.backoff import Backoff, Ending
from smsgw.links.connect import ConnectFault, check_files
from smsgw.links.connection import Connection, SessionIds
from smsgw.links.contact import RECEIPT_SECONDS, visit
from smsgw.links.link import Link
from smsgw.links.links import Links
from smsgw.links.questions import question
from smsgw.links.report import Report, Step

__all__ = [
    "RECEIPT_SECONDS",
    "Backoff",
    "ConnectFault",
    "Connection",
    "Ending",
    "Link",
    "Links",
    "Report",
    "SessionIds",
    "Step",
    "check_files",
    "question",
    "visit",
]
