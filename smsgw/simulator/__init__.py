"""A real SMSC over TCP, simulated down to its faults: for tests, demo and an operator's dry run."""

from smsgw.simulator.handle import Handle
from smsgw.simulator.receipts import DIALECTS, Dialect
from smsgw.simulator.smsc import Smsc
from smsgw.simulator.texts import Coding, Numbering
from smsgw.simulator.thread import SmscThread
from smsgw.simulator.words import (
    Delivery,
    Manners,
    Point,
    Record,
    Silence,
    Submit,
    What,
    received,
    sent,
)
from smsgw.smpp.statuses import Status

__all__ = [
    "DIALECTS",
    "Coding",
    "Delivery",
    "Dialect",
    "Handle",
    "Manners",
    "Numbering",
    "Point",
    "Record",
    "Silence",
    "Smsc",
    "SmscThread",
    "Status",
    "Submit",
    "What",
    "received",
    "sent",
]
