"""Every command_status: its number, what it says about one text, what to do if a bind is answered
with it.

Source: SMPP v3.4 §5.1.3; the verdicts are field practice where the specification leaves it
open. What is not in the table is worth another try: a carrier's own codes say nothing to us,
and a reply given up is a citizen without a password.
"""

from enum import Enum, IntEnum
from typing import Self

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


_TAKEN, _WAIT, _FULL, _SLOW, _BARRED, _NOBODY, _NEVER = Verdict
_CREDENTIALS = "Check system_id and password of [[smsc]] {link}"


class Status(IntEnum):
    """A command_status of SMPP v3.4, named as there without "ESME_".

    Attributes:
        verdict: about the text that it answers.
        bind_advice: what to do about a bind that was refused so; "": it may be tried again soon.
    """

    verdict: Verdict
    bind_advice: str

    def __new__(cls, number: int, verdict: Verdict, bind_advice: str = "") -> Self:
        status = int.__new__(cls, number)
        status._value_ = number
        status.verdict = verdict
        status.bind_advice = bind_advice
        return status

    ROK = 0x00, _TAKEN
    RINVMSGLEN = 0x01, _NEVER
    # The next four are about the PDU or the session, not about the text.
    RINVCMDLEN = 0x02, _WAIT
    RINVCMDID = 0x03, _WAIT, "The carrier does not know this bind; check bind of [[smsc]] {link}"
    RINVBNDSTS = 0x04, _WAIT, "Check bind of [[smsc]] {link}"
    RALYBND = (
        0x05,
        _WAIT,
        "The carrier still holds an earlier session of [[smsc]] {link}; "
        "is another gateway bound with this system_id?",
    )
    RINVPRTFLG = 0x06, _NEVER
    RINVREGDLVFLG = 0x07, _NEVER
    RSYSERR = 0x08, _WAIT
    RINVSRCADR = 0x0A, _BARRED
    RINVDSTADR = 0x0B, _NOBODY
    RINVMSGID = 0x0C, _NEVER
    RBINDFAIL = 0x0D, _WAIT, _CREDENTIALS + ", and whether the carrier admits this address"
    RINVPASWD = 0x0E, _WAIT, _CREDENTIALS
    RINVSYSID = 0x0F, _WAIT, _CREDENTIALS
    RCANCELFAIL = 0x11, _WAIT
    RREPLACEFAIL = 0x13, _WAIT
    RMSGQFUL = 0x14, _FULL
    RINVSERTYP = 0x15, _NEVER
    RINVNUMDESTS = 0x33, _NEVER
    RINVDLNAME = 0x34, _NEVER
    RINVDESTFLAG = 0x40, _NEVER
    RINVSUBREP = 0x42, _NEVER
    RINVESMCLASS = 0x43, _NEVER
    RCNTSUBDL = 0x44, _NEVER
    # "submit_sm failed" without a reason: often no credit or no route, which people mend.
    RSUBMITFAIL = 0x45, _WAIT
    RINVSRCTON = 0x48, _BARRED
    RINVSRCNPI = 0x49, _BARRED
    RINVDSTTON = 0x50, _NOBODY
    RINVDSTNPI = 0x51, _NOBODY
    RINVSYSTYP = 0x53, _WAIT, "Check system_type of [[smsc]] {link}"
    RINVREPFLAG = 0x54, _NEVER
    RINVNUMMSGS = 0x55, _NEVER
    RTHROTTLED = 0x58, _SLOW
    RINVSCHED = 0x61, _NEVER
    # An SMSC that wants no validity_period, or whose clock is ahead: not this text's fault.
    RINVEXPIRY = 0x62, _WAIT
    RINVDFTMSGID = 0x63, _NEVER
    RX_T_APPN = 0x64, _WAIT
    RX_P_APPN = 0x65, _NEVER
    RX_R_APPN = 0x66, _NEVER
    RQUERYFAIL = 0x67, _WAIT
    RINVOPTPARSTREAM = 0xC0, _NEVER
    ROPTPARNOTALLWD = 0xC1, _NEVER
    RINVPARLEN = 0xC2, _NEVER
    RMISSINGOPTPARAM = 0xC3, _NEVER
    RINVOPTPARAMVAL = 0xC4, _NEVER
    RDELIVERYFAILURE = 0xFE, _NEVER
    RUNKNOWNERR = 0xFF, _WAIT


_KNOWN = {int(status): status for status in Status}


def name(number: int) -> str:
    """Such as "ESME_RTHROTTLED (0x00000058)"; of a carrier's own code the number alone."""
    status = _KNOWN.get(number)
    return f"0x{number:08X}" if status is None else f"ESME_{status.name} (0x{number:08X})"


def verdict(number: int) -> Verdict:
    """What a status means for the text that it answers."""
    status = _KNOWN.get(number)
    return Verdict.WAIT if status is None else status.verdict


def result(mt_id: int, number: int, smsc_id: str, recipient: str) -> SubmitResult:
    """What the gateway is told about the text *mt_id*, which should go to *recipient*."""
    if number == 0:  # ROK; looking up an enum's member costs as much as the rest of this line
        return from_tuple(Taken, (mt_id, smsc_id))
    judged = verdict(number)
    if judged in (Verdict.GIVE_UP, Verdict.NO_ADDRESS):
        return Refused(mt_id, name(number), address=judged is Verdict.NO_ADDRESS)
    validity = number == Status.RINVEXPIRY
    advice = "; does this SMSC want validity_period = false?" if validity else ""
    return Postponed(
        mt_id,
        name(number) + advice,
        throttled=judged is Verdict.SLOW_DOWN,
        full_for=recipient if judged is Verdict.FULL else "",
        barred=judged is Verdict.BARRED,
    )


def bind_reason(number: int, link: str) -> str:
    """Why a bind was refused, with what the operator can do about it."""
    status = _KNOWN.get(number)
    advice = status.bind_advice.format(link=link) if status is not None else ""
    return f"bind refused, {name(number)}" + (f". {advice}" if advice else "")


def waits_long(number: int) -> bool:
    """Whether a bind refused so is worth no quick second try.

    Either a person must mend it, or the SMSC needs minutes until it forgets the old session;
    a hail of binds gets the account blocked.
    """
    status = _KNOWN.get(number)
    return status is not None and bool(status.bind_advice)
