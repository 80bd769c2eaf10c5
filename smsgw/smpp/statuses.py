"""What command_status means for a text of ours, and for a bind.

Source: SMPP v3.4 §5.1.3; the verdicts are field practice where the specification leaves it
open. What is not in the table is worth another try: a carrier's own codes say nothing to us,
and a reply given up is a citizen without a password.
"""

from collections.abc import Mapping
from enum import Enum

from smsgw.model import Postponed, Refused, SubmitResult, Taken, from_tuple


class Verdict(Enum):
    """What a status says about one submit_sm."""

    TAKEN = "taken"
    WAIT = "wait"  #: this text, later
    FULL = "full"  #: this recipient, later
    SLOW_DOWN = "slow down"  #: the link as a whole sends too fast
    BARRED = "barred"  #: nothing from our short code, until somebody mends the link
    NO_ADDRESS = "no address"  #: this text never, because of its number
    GIVE_UP = "give up"  #: this text never


ROK = 0x00
RINVMSGLEN = 0x01
RINVCMDLEN = 0x02
RINVCMDID = 0x03
RINVBNDSTS = 0x04
RALYBND = 0x05
RSYSERR = 0x08
RBINDFAIL = 0x0D
RINVPASWD = 0x0E
RINVSYSID = 0x0F
RMSGQFUL = 0x14
RINVSYSTYP = 0x53
RTHROTTLED = 0x58
RINVEXPIRY = 0x62
RX_T_APPN = 0x64

_TAKEN, _WAIT, _FULL, _SLOW, _BARRED, _NOBODY, _NEVER = Verdict

#: Status: name without "ESME_", verdict.
TABLE: Mapping[int, tuple[str, Verdict]] = {
    ROK: ("ROK", _TAKEN),
    RINVMSGLEN: ("RINVMSGLEN", _NEVER),
    # The next five are about the PDU or the session, not about the text.
    RINVCMDLEN: ("RINVCMDLEN", _WAIT),
    RINVCMDID: ("RINVCMDID", _WAIT),
    RINVBNDSTS: ("RINVBNDSTS", _WAIT),
    RALYBND: ("RALYBND", _WAIT),
    0x06: ("RINVPRTFLG", _NEVER),
    0x07: ("RINVREGDLVFLG", _NEVER),
    RSYSERR: ("RSYSERR", _WAIT),
    0x0A: ("RINVSRCADR", _BARRED),
    0x0B: ("RINVDSTADR", _NOBODY),
    0x0C: ("RINVMSGID", _NEVER),
    RBINDFAIL: ("RBINDFAIL", _WAIT),
    RINVPASWD: ("RINVPASWD", _WAIT),
    RINVSYSID: ("RINVSYSID", _WAIT),
    0x11: ("RCANCELFAIL", _WAIT),
    0x13: ("RREPLACEFAIL", _WAIT),
    RMSGQFUL: ("RMSGQFUL", _FULL),
    0x15: ("RINVSERTYP", _NEVER),
    0x33: ("RINVNUMDESTS", _NEVER),
    0x34: ("RINVDLNAME", _NEVER),
    0x40: ("RINVDESTFLAG", _NEVER),
    0x42: ("RINVSUBREP", _NEVER),
    0x43: ("RINVESMCLASS", _NEVER),
    0x44: ("RCNTSUBDL", _NEVER),
    # "submit_sm failed" without a reason: often no credit or no route, which people mend.
    0x45: ("RSUBMITFAIL", _WAIT),
    0x48: ("RINVSRCTON", _BARRED),
    0x49: ("RINVSRCNPI", _BARRED),
    0x50: ("RINVDSTTON", _NOBODY),
    0x51: ("RINVDSTNPI", _NOBODY),
    RINVSYSTYP: ("RINVSYSTYP", _WAIT),
    0x54: ("RINVREPFLAG", _NEVER),
    0x55: ("RINVNUMMSGS", _NEVER),
    RTHROTTLED: ("RTHROTTLED", _SLOW),
    0x61: ("RINVSCHED", _NEVER),
    # An SMSC that wants no validity_period, or whose clock is ahead: not this text's fault.
    RINVEXPIRY: ("RINVEXPIRY", _WAIT),
    0x63: ("RINVDFTMSGID", _NEVER),
    RX_T_APPN: ("RX_T_APPN", _WAIT),
    0x65: ("RX_P_APPN", _NEVER),
    0x66: ("RX_R_APPN", _NEVER),
    0x67: ("RQUERYFAIL", _WAIT),
    0xC0: ("RINVOPTPARSTREAM", _NEVER),
    0xC1: ("ROPTPARNOTALLWD", _NEVER),
    0xC2: ("RINVPARLEN", _NEVER),
    0xC3: ("RMISSINGOPTPARAM", _NEVER),
    0xC4: ("RINVOPTPARAMVAL", _NEVER),
    0xFE: ("RDELIVERYFAILURE", _NEVER),
    0xFF: ("RUNKNOWNERR", _WAIT),
}


def name(status: int) -> str:
    """Such as "ESME_RTHROTTLED (0x00000058)"; of a carrier's own code the number alone."""
    if status in TABLE:
        return f"ESME_{TABLE[status][0]} (0x{status:08X})"
    return f"0x{status:08X}"


def verdict(status: int) -> Verdict:
    """What a status other than ROK means for the text that it answers."""
    return TABLE[status][1] if status in TABLE else Verdict.WAIT


def result(mt_id: int, status: int, smsc_id: str, recipient: str) -> SubmitResult:
    """What the gateway is told about the text *mt_id*, which should go to *recipient*."""
    if status == ROK:
        return from_tuple(Taken, (mt_id, smsc_id))
    judged = verdict(status)
    if judged in (Verdict.GIVE_UP, Verdict.NO_ADDRESS):
        return Refused(mt_id, name(status), address=judged is Verdict.NO_ADDRESS)
    advice = "; does this SMSC want validity_period = false?" if status == RINVEXPIRY else ""
    return Postponed(
        mt_id,
        name(status) + advice,
        throttled=judged is Verdict.SLOW_DOWN,
        full_for=recipient if judged is Verdict.FULL else "",
        barred=judged is Verdict.BARRED,
    )


_CREDENTIALS = "Check system_id and password of [[smsc]] {link}"
_BIND_ADVICE: Mapping[int, str] = {
    RINVPASWD: _CREDENTIALS,
    RINVSYSID: _CREDENTIALS,
    RBINDFAIL: _CREDENTIALS + ", and whether the carrier admits this address",
    RINVSYSTYP: "Check system_type of [[smsc]] {link}",
    RALYBND: "The carrier still holds an earlier session of [[smsc]] {link}; "
    "is another gateway bound with this system_id?",
    RINVBNDSTS: "Check bind of [[smsc]] {link}",
    RINVCMDID: "The carrier does not know this bind; check bind of [[smsc]] {link}",
}


def bind_reason(status: int, link: str) -> str:
    """Why a bind was refused, with what the operator can do about it."""
    advice = _BIND_ADVICE.get(status)
    return f"bind refused, {name(status)}" + (f". {advice.format(link=link)}" if advice else "")


def waits_long(status: int) -> bool:
    """Whether a bind refused so is worth no quick second try.

    Either a person must mend it, or the SMSC needs minutes until it forgets the old session;
    a hail of binds gets the account blocked.
    """
    return status in _BIND_ADVICE
