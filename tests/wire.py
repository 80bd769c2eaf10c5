"""What tests over the wire share: citizens, quick links, and what a phone shows."""

import re

#: Reconnects of a test, not of a carrier.
QUICK = {"reconnect_min": "20ms", "reconnect_max": "200ms"}


class Citizen:
    """A phone that nobody else has, and its owner's CMND."""

    def __init__(self, number):
        self.number = f"849051{number:05d}"  #: as the carrier writes it
        self.e164 = f"+{self.number}"
        self.cmnd = f"2012{number:05d}"
        self.text = f"TK,Nguyen Van An,{self.cmnd},01.02.1990"


def texts_to(smsc, citizen):
    """What the citizen's phone shows, oldest first."""
    return [s.text for s in smsc.submits if s.destination.number == citizen.number]


def password_in(text):
    """The password that a reply tells."""
    return re.search(r"MK(?: moi)?: ([a-hjkmnp-z2-9]{8}) ", text)[1]
