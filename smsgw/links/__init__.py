"""Links to SMSCs: sockets to sessions, sessions to the desk, and back again after each loss.

    Links        all of them by name; made, changed and ended as the configuration says
    Link         one [[smsc]] table: its queue of MTs, its pace, its state; the desk's Port
    Line         one bind of it, kept alive
    Connection   one TCP connection with its smpp.Session

Each speaks to the one above through a Protocol, and writes into nobody's attributes.
"""

from smsgw.links.backoff import Backoff, Ending
from smsgw.links.connection import Connection
from smsgw.links.link import Link
from smsgw.links.links import Links

__all__ = ["Backoff", "Connection", "Ending", "Link", "Links"]
