"""The tricks of `smsgw smsc`: what a line that begins with `!` has the simulated SMSC do.

Knows how each is called, what it wants and how much of it is too much. What is sent stands in
`tricks`, how in `Smsc`. A flood ends by itself, after so many texts or seconds, and goes only to
gateways that have bound here of their own accord.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from smsgw.model import Address
from smsgw.simulator import tricks
from smsgw.simulator.handle import Handle
from smsgw.simulator.smsc import Smsc
from smsgw.simulator.texts import address
from smsgw.simulator.thread import SmscThread
from smsgw.simulator.tricks import Odd
from smsgw.simulator.words import Submit

_PHONE = re.compile(r"\+?\d{3,20}")
#: No trick is told to do more: it is a tool to try one's own gateway.
MOST_SECONDS = 600.0
MOST_A_SECOND = 5_000.0
MOST_TEXTS = 100_000


class Unclear(Exception):
    """A line that cannot be played; says what it wants."""


class Trick(NamedTuple):
    """One thing that can be typed behind `!`."""

    name: str
    wants: str  #: its arguments, as a person reads them
    says: str
    play: Callable[[SmscThread, str], list[Handle]]  #: what is to be answered


def play(carrier: SmscThread, line: str) -> list[Handle]:
    """Play the trick that *line* names, without its `!`; returns when it is over.

    Raises:
        Unclear: there is no such trick, or it wants other arguments.
    """
    name, _, arguments = line.strip().partition(" ")
    trick = TRICKS.get(name)
    if trick is None:
        raise Unclear(f"there is no !{name}; !help lists what there is")
    try:
        return trick.play(carrier, arguments.strip())
    except Unclear as unclear:
        raise Unclear(f"{unclear}\n  !{trick.name} {trick.wants}".rstrip()) from None
    except TimeoutError as late:
        raise Unclear(str(late).splitlines()[0]) from None


def helps() -> str:
    """One line for each trick."""
    width = max(len(f"{trick.name} {trick.wants}") for trick in TRICKS.values())
    return "\n".join(
        f"  !{f'{trick.name} {trick.wants}':{width}}  {trick.says}" for trick in TRICKS.values()
    )


# --- reading arguments --------------------------------------------------------------------------


def _phone_and_text(arguments: str) -> tuple[str, str]:
    phone, _, text = arguments.partition(" ")
    if not _PHONE.fullmatch(phone) or not text.strip():
        raise Unclear("it wants a number and a text")
    return phone, text.strip()


def _phone(word: str) -> str:
    if not _PHONE.fullmatch(word):
        raise Unclear("it wants a number")
    return word


def _numbers(arguments: str, *defaults: tuple[float, float]) -> list[float]:
    """So many numbers, each with its default and its highest value."""
    words = arguments.split()
    if len(words) > len(defaults):
        raise Unclear("that is too much")
    numbers = []
    for word, (default, most) in itertools.zip_longest(words, defaults):
        try:
            number = default if word is None else float(word)
        except ValueError:
            raise Unclear(f"{word} is no number") from None
        if not 0 < number <= most:
            raise Unclear(f"{word} is not above 0 and at most {most:g}")
        numbers.append(number)
    return numbers


def _sender(ton_npi: str, name: str) -> Address:
    ton, _, npi = ton_npi.partition("/")
    if not (ton.isdecimal() and npi.isdecimal() and max(int(ton), int(npi)) < 256 and name):
        raise Unclear("it wants TON/NPI, such as 1/1, and who sends")
    return Address(name, int(ton), int(npi))


def _newest(carrier: SmscThread, phone: str) -> Submit:
    for submit in reversed(carrier.submits):
        if submit.destination.number == _phone(phone):
            return submit
    raise Unclear(f"the gateway has texted nothing to {phone} yet")


# --- playing ------------------------------------------------------------------------------------


def _text(make: Callable[[str, str], Odd | list[Odd]]) -> Callable[[SmscThread, str], list[Handle]]:
    """A trick with one citizen's text."""

    def play(carrier: SmscThread, arguments: str) -> list[Handle]:
        made = make(*_phone_and_text(arguments))
        try:
            return carrier.send_odd(*(made if isinstance(made, list) else [made]))
        except ValueError as error:  # a character that its coding does not have
            raise Unclear(str(error)) from None

    return play


def _in_group(carrier: SmscThread, arguments: str) -> list[Handle]:
    code, _, rest = arguments.partition(" ")
    try:
        return carrier.send_odd(tricks.in_group(*_phone_and_text(rest), int(code, 0)))
    except (KeyError, UnicodeEncodeError, ValueError):
        groups = " ".join(f"0x{group:02X}" for group in sorted(tricks.GROUPS))
        raise Unclear(f"data_coding is one of {groups}, and can write the text") from None


def _from_address(carrier: SmscThread, arguments: str) -> list[Handle]:
    ton_npi, _, rest = arguments.partition(" ")
    name, _, text = rest.partition(" ")
    return carrier.send_text(_sender(ton_npi, name), text.strip())


def _forward(carrier: SmscThread, arguments: str) -> list[Handle]:
    phone, _, sender = arguments.partition(" ")
    whose = address(_phone(sender.strip())) if sender.strip() else None
    return carrier.send_odd(*tricks.forwarded(_newest(carrier, phone), whose))


def _plain_receipt(carrier: SmscThread, arguments: str) -> list[Handle]:
    sender, _, phone = arguments.partition(" ")
    submit = _newest(carrier, phone.strip())
    who = address(sender) if _PHONE.fullmatch(sender) else Address(sender, 5, 0)
    return carrier.send_odd(tricks.plain_receipt(submit, who, carrier.manners.id_form))


def _receipt_elsewhere(carrier: SmscThread, arguments: str) -> list[Handle]:
    submit = _newest(carrier, arguments)
    others = [number for number in carrier.bound if number != submit.session]
    if not others:
        raise Unclear("it wants a second session of the gateway")
    return [carrier.receipt(submit, session=others[0])]


def _receipt_from(carrier: SmscThread, arguments: str) -> list[Handle]:
    sender, _, phone = arguments.partition(" ")
    submit = _newest(carrier, phone.strip())
    named = submit._replace(destination=address(_phone(sender)))
    return [carrier.receipt(named)]


def _wait_for(carrier: SmscThread, arguments: str) -> list[Handle]:
    phone, _, seconds = arguments.partition(" ")
    _phone(phone)
    (limit,) = _numbers(seconds, (10, MOST_SECONDS))
    have = _texts_to(carrier.smsc, phone)
    carrier.until(lambda smsc: _texts_to(smsc, phone) > have or have, limit, f"a text to {phone}")
    return []


def _texts_to(smsc: Smsc, phone: str) -> int:
    return sum(submit.destination.number == phone for submit in smsc.submits)


def _flood(make: Callable[[], Iterator[Odd]]) -> Callable[[SmscThread, str], list[Handle]]:
    """A trick of so many texts a second for so many seconds."""

    def play(carrier: SmscThread, arguments: str) -> list[Handle]:
        rate, seconds = _numbers(arguments, (100, MOST_A_SECOND), (10, MOST_SECONDS))
        count = min(int(rate * seconds), MOST_TEXTS)
        carrier.pour(itertools.islice(make(), count), rate)
        return []

    return play


def _one_number(carrier: SmscThread, arguments: str) -> list[Handle]:
    phone, _, rest = arguments.partition(" ")
    _phone(phone)
    return _flood(lambda: tricks.from_one_number(phone))(carrier, rest)


def _heap(
    make: Callable[[], Iterator[Odd]], count: int, *, redeliver: bool = False
) -> Callable[[SmscThread, str], list[Handle]]:
    """A trick of so many, as fast as the gateway reads."""

    def play(carrier: SmscThread, arguments: str) -> list[Handle]:
        (number,) = _numbers(arguments, (count, MOST_TEXTS))
        carrier.pour(itertools.islice(make(), int(number)), redeliver=redeliver)
        return []

    return play


def _flap(carrier: SmscThread, arguments: str) -> list[Handle]:
    seconds, texts = _numbers(arguments, (8, MOST_SECONDS), (1_990, MOST_TEXTS))
    carrier.flap(tricks.registrations(), seconds, int(texts))
    return []


def _trickle(carrier: SmscThread, arguments: str) -> list[Handle]:
    seconds, every = _numbers(arguments, (60, MOST_SECONDS), (0.5, 60))
    count = min(max(1, int(seconds / every)), 30_000)
    cut = tricks.cut_off(2 * count + 32) + b"\x01" * count
    carrier.trickle(cut[:count], every)
    return []


def _small_pdus(carrier: SmscThread, arguments: str) -> list[Handle]:
    carrier.small_pdus(_numbers(arguments, (5, MOST_SECONDS))[0])
    return []


def _drop(carrier: SmscThread, _arguments: str) -> list[Handle]:
    carrier.drop()
    return []


def _sleep(carrier: SmscThread, arguments: str) -> list[Handle]:
    time.sleep(_numbers(arguments, (1, MOST_SECONDS))[0])
    return []


_UNKNOWN = 1 << 62  # far above the ids that the simulator gives

#: What can be typed, in the order in which `!help` lists it.
TRICKS = {
    trick.name: trick
    for trick in (
        Trick("stray-octets", "PHONE TEXT", "a NUL behind the last field",
              _text(tricks.stray_octets)),
        Trick("stray-tlv", "PHONE TEXT", "the beginning of a TLV behind the last field",
              _text(lambda phone, text: tricks.stray_octets(phone, text, b"\x14\x01\x00"))),
        Trick("as-utf8", "PHONE TEXT", "UTF-8, under a data_coding that says GSM 03.38",
              _text(lambda phone, text: tricks.contradicting(phone, text, "utf-8"))),
        Trick("as-ucs2", "PHONE TEXT", "UCS-2, under a data_coding that says GSM 03.38",
              _text(lambda phone, text: tricks.contradicting(phone, text, "utf-16-be"))),
        Trick("wrong-header", "PHONE TEXT", "parts whose user data header states a wrong length",
              _text(tricks.wrong_header)),
        Trick("coded", "CODE PHONE TEXT", "under any data_coding of TS 23.038, such as 0xE0",
              _in_group),
        Trick("from", "TON/NPI SENDER TEXT", "from any address: 1/1 376312345, 5/0 ABC",
              _from_address),
        Trick("copies", "PHONE TEXT", "three times at once, on the same session",
              _text(tricks.copies)),
        Trick("forward", "PHONE [SENDER]", "the newest text to PHONE, sent back to the gateway",
              _forward),
        Trick("plain-receipt", "SENDER PHONE", "a receipt of the newest text to PHONE, no flags",
              _plain_receipt),
        Trick("receipt-from", "SENDER PHONE", "a receipt of it, by the book, that names SENDER",
              _receipt_from),
        Trick("receipt-elsewhere", "PHONE", "a receipt of it by another session than took it",
              _receipt_elsewhere),
        Trick("registrations", "[A_SECOND [SECONDS]]", "registrations of made-up senders",
              _flood(tricks.registrations)),
        Trick("errors", "[A_SECOND [SECONDS]]", "texts of made-up senders that are none",
              _flood(tricks.errors)),
        Trick("one-number", "PHONE [A_SECOND [SECONDS]]", "texts of one number", _one_number),
        Trick("marks", "[A_SECOND [SECONDS]]", "texts of 2,000 combining marks",
              _flood(tricks.marks)),
        Trick("half-texts", "[A_SECOND [SECONDS]]", "long texts whose second part never comes",
              _flood(tricks.half_texts)),
        Trick("big-parts", "[COUNT]", "parts of 60 KB", _heap(tricks.big_parts, 760)),
        Trick("endless-receipts", "[COUNT]", "receipts of 64 KB that come to no end, sent again",
              _heap(tricks.endless_receipts, 4, redeliver=True)),
        Trick("unknown-receipts", "[COUNT]", "receipts of messages that nobody sent",
              _heap(lambda: tricks.unknown_receipts(_UNKNOWN), 100_000)),
        Trick("one-receipt", "[COUNT]", "receipts of one such message",
              _heap(lambda: tricks.unknown_receipts(_UNKNOWN, 0), 100_000)),
        Trick("small-pdus", "[SECONDS]", "enquire_link after enquire_link", _small_pdus),
        Trick("flap", "[SECONDS [TEXTS]]", "the line drops after so many texts, each time it is up",
              _flap),
        Trick("trickle", "[SECONDS [EVERY]]", "a PDU that comes octet by octet and never ends",
              _trickle),
        Trick("drop", "", "drop every connection", _drop),
        Trick("wait-for", "PHONE [SECONDS]", "until PHONE has been texted", _wait_for),
        Trick("sleep", "[SECONDS]", "do nothing meanwhile", _sleep),
    )
}  # fmt: skip
