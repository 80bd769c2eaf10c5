"""What the gateway would do with a text: decided as always, and nothing written.

It only reads, so that somebody who stops it half-way holds up nobody.
"""

from datetime import datetime
from typing import assert_never

from smsgw import phone
from smsgw.gateway.batch import Done, Trial
from smsgw.gateway.intake import Intake
from smsgw.gateway.tools import Tools
from smsgw.gateway.work import Work
from smsgw.harmless import masked
from smsgw.model import Address, Ignored, Mo, Outcome
from smsgw.passwords import Supply
from smsgw.registration import syntax

WHY_IGNORED = {
    Ignored.SENDER: "the sender is not a telephone number",
    Ignored.COUNTRY: "the number is not of a country in limits.countries",
    Ignored.KIND_OF_NUMBER: "the number is of a kind that costs, or no phone",
    Ignored.PHONE_LIMIT: "the phone is past its hourly limit of replies",
    Ignored.GATEWAY_LIMIT: "the gateway is past limits.replies_per_hour",
    Ignored.OWN_WORDING: "the text quotes our own wording",
    Ignored.RECEIPT: "the text reads like a delivery receipt",
}


def try_text(tools: Tools, sender: str, text: str, now: datetime) -> Trial:
    """What would become of *text* from *sender*; nothing is kept, nothing sent.

    Args:
        tools: of a rehearsal.

    Raises:
        UnicodeEncodeError: *text* holds octets that no text can.
    """
    text.encode()
    address = Address(sender.strip(), 0, 0)
    number = phone.normalise(address, tools.rules.region)
    link, done = _link_of(tools, number), Done()
    work = Work(tools.store, now, Supply(tools.issuer))
    Intake(tools, work, done, {link: 1}).take([Mo(link, 0, address, text, 0)])
    (outcome,) = done.outcomes
    reply = done.replies[0].text if done.replies else None
    ignored = work.changes.ignored
    reason = Ignored(ignored[0][1]) if ignored else None
    return Trial(outcome, reply, _explain(tools, outcome, reason, number, text, now))


def _link_of(tools: Tools, number: str | None) -> str:
    """A link by which a text of *number* may come: of its account's carrier, if it has one."""
    links: tuple[str, ...] = ()
    if number is not None:
        _, accounts, _ = tools.store.senders([number])
        links = tuple(
            link
            for its in accounts.values()
            for link in tools.carriers.links(tools.carriers.of(its.link))
        )
    return (links or tools.rules.links or ("",))[0]


def _explain(
    tools: Tools,
    outcome: Outcome,
    reason: Ignored | None,
    number: str | None,
    text: str,
    now: datetime,
) -> str:
    rules = tools.rules
    match outcome:
        case Outcome.SYNTAX_ERROR:
            strict = rules.check_personal_number
            read = syntax.parse(text, rules.today(now), check_personal_number=strict)
            return read.reason if isinstance(read, syntax.SyntaxFault) else ""
        case Outcome.IGNORED:
            return WHY_IGNORED[reason or Ignored.PHONE_LIMIT]
        case Outcome.ALREADY_REGISTERED:
            return _explain_refusal(tools, number, text, now)
        case Outcome.REGISTERED:
            return "a new issued password"
        case Outcome.RETRANSMISSION:
            return "the same text has just come, and was answered"
        case _:
            assert_never(outcome)


def _explain_refusal(tools: Tools, number: str | None, text: str, now: datetime) -> str:
    """Which account has the phone or the CMND, masked: whoever tries may not know the other."""
    store, rules = tools.store, tools.rules
    request = syntax.parse(text, rules.today(now))
    if not isinstance(request, syntax.Request) or number is None:
        return "the CMND or the phone has an account"
    cmnd = request.cmnd
    by_phone = next(iter(store.senders([number])[1].values()), None)
    by_cmnd = store.holders_by_cmnd([cmnd]).get(cmnd)
    if by_cmnd is not None and by_phone is not None and by_cmnd.account_id == by_phone.account_id:
        return f"phone and CMND have an account together: {masked(cmnd)} of {masked(number)}"
    told = []
    if by_cmnd is not None:
        phone_of = store.account(by_cmnd.account_id).account.phone
        told.append(f"the CMND has an account, with the phone {masked(phone_of)}")
    if by_phone is not None:
        cmnd_of = store.account(by_phone.account_id).account.cmnd
        told.append(f"the phone has an account, with the CMND {masked(cmnd_of)}")
    kept = store.reservation(cmnd, now)
    if not told and kept is not None:
        return f"the CMND is reserved for {kept.phone} until {rules.local_minute(kept.ends_at)}"
    return "; ".join(told) or "the CMND or the phone has an account"
