"""A program's change of a profile, merged as RFC 7396 says and judged as a citizen's answers are.

Pure. A fault names its place by a JSON pointer and its reason by a word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from smsgw.registration import fields, units
from smsgw.registration.fields import Reason
from smsgw.registration.profile import Address, Answers, Gender, Texted

_READ_ONLY = ("birth_date", "cmnd", "phone")
_NAMES = ("province", "ward")
_ADDRESS = ("province", "province_code", "ward", "ward_code", "street")


class PatchFault(NamedTuple):
    """What cannot be taken."""

    pointer: str  #: RFC 6901, from the document's root: "/profile/home/ward_code"
    reason: Reason


@dataclass(slots=True)
class _Patch:
    answers: Answers
    texted: Texted
    shown: Mapping[str, Any]  #: the profile as it was read
    today: date
    faults: list[PatchFault] = field(default_factory=list)

    def refuse(self, place: str, reason: Reason) -> None:
        self.faults.append(PatchFault(f"/profile{place}", reason))


def merged(
    patch: object, before: Answers, texted: Texted, shown: Mapping[str, Any], today: date
) -> Answers | tuple[PatchFault, ...]:
    """*before* with what *patch* says, or all that is wrong with it.

    Args:
        patch: the value of "profile" as JSON was read.
        shown: the profile as the client reads it: what does not change may stand in the patch.
    """
    if not isinstance(patch, dict):
        return (PatchFault("/profile", Reason.WRONG_TYPE),)
    work = _Patch(before, texted, shown, today)
    for name, value in patch.items():
        if name in _FIELDS:
            _FIELDS[name](work, value)
        elif name not in _READ_ONLY:
            work.refuse(f"/{_escaped(name)}", Reason.UNKNOWN_FIELD)
        elif value != shown[name]:
            work.refuse(f"/{name}", Reason.READ_ONLY)
    return tuple(work.faults) or work.answers


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _text(work: _Patch, place: str, value: object) -> str | None:
    """A text, once tidy; None: it is none, which was said."""
    if value is None:
        work.refuse(place, Reason.REQUIRED)
    elif isinstance(value, str):
        return fields.tidy(value)
    else:
        work.refuse(place, Reason.WRONG_TYPE)
    return None


def _full_name(work: _Patch, value: object) -> None:
    if (name := _text(work, "/full_name", value)) is None:
        return
    if reason := fields.name_fault(name, work.texted.full_name):
        work.refuse("/full_name", reason)
    else:
        work.answers = replace(work.answers, full_name=name)


def _gender(work: _Patch, value: object) -> None:
    if (word := _text(work, "/gender", value)) is None:
        return
    if word in tuple(Gender):
        work.answers = replace(work.answers, gender=Gender(word))
    else:
        work.refuse("/gender", Reason.UNKNOWN_CODE)


def _issued_on(work: _Patch, value: object) -> None:
    if (text := _text(work, "/id_issued_on", value)) is None:
        return
    try:
        issued = date.fromisoformat(text)
    except ValueError:
        issued = None
    if issued is None or issued.isoformat() != text:  # Python reads weeks, too
        work.refuse("/id_issued_on", Reason.NO_SUCH_DATE)
    elif reason := fields.date_fault(issued, work.texted.birth_date, work.today):
        work.refuse("/id_issued_on", reason)
    else:
        work.answers = replace(work.answers, id_issued_on=issued)


def _issued_by(work: _Patch, value: object) -> None:
    if (text := _text(work, "/id_issued_by", value)) is None:
        return
    if reason := fields.text_fault(text):
        work.refuse("/id_issued_by", reason)
    else:
        work.answers = replace(work.answers, id_issued_by=text)


def _home(work: _Patch, value: object) -> None:
    if value is None:
        work.refuse("/home", Reason.REQUIRED)
    elif address := _address(work, "home", value):
        work.answers = replace(work.answers, home=address, home_province=None)


def _living(work: _Patch, value: object) -> None:
    """Null: it is the home."""
    if value is None:
        found = replace(work.answers, living_same=True, living=None, living_province=None)
        work.answers = found
    elif address := _address(work, "living", value):
        if work.answers.living_same and address == Address(**work.shown["living"]):
            return  # as it was read, and so the home, whatever becomes of that
        work.answers = replace(
            work.answers, living_same=False, living=address, living_province=None
        )


def _address(work: _Patch, kind: str, value: object) -> Address | None:
    if not isinstance(value, dict):
        work.refuse(f"/{kind}", Reason.WRONG_TYPE)
        return None
    known = len(work.faults)
    for name in value:
        if name not in _ADDRESS:
            work.refuse(f"/{kind}/{_escaped(name)}", Reason.UNKNOWN_FIELD)
    whole = dict(work.shown[kind] or {}) | {name: value[name] for name in _ADDRESS if name in value}
    texts = {}
    for name in ("province_code", "ward_code", "street"):
        if (text := _text(work, f"/{kind}/{name}", whole.get(name))) is not None:
            texts[name] = text
    if len(work.faults) > known:
        return None
    address = _by_codes(work, kind, **texts)
    for name in _NAMES:  # told by the codes; what was read may be sent back
        if address and name in value and value[name] != getattr(address, name):
            unchanged = value[name] == work.shown[kind][name]
            if not unchanged:
                work.refuse(f"/{kind}/{name}", Reason.READ_ONLY)
    return address if len(work.faults) == known else None


def _by_codes(
    work: _Patch, kind: str, province_code: str, ward_code: str, street: str
) -> Address | None:
    province = units.province(province_code)
    ward = province.ward(ward_code) if province else None
    if province is None:
        work.refuse(f"/{kind}/province_code", Reason.UNKNOWN_CODE)
    elif ward is None:
        work.refuse(f"/{kind}/ward_code", Reason.NOT_IN_PROVINCE)
    if reason := fields.text_fault(street):
        work.refuse(f"/{kind}/street", reason)
    if province is None or ward is None:
        return None
    return Address(province.name, province.code, ward.name, ward.code, street)


def _email(work: _Patch, value: object) -> None:
    """Null takes it away."""
    if value is None:
        work.answers = replace(work.answers, email="")
    elif (email := _text(work, "/email", value)) is not None:
        if fields.is_email(email):
            work.answers = replace(work.answers, email=email)
        else:
            work.refuse("/email", Reason.NO_ADDRESS)


_FIELDS: Mapping[str, Callable[[_Patch, object], None]] = {
    "full_name": _full_name,
    "gender": _gender,
    "id_issued_on": _issued_on,
    "id_issued_by": _issued_by,
    "home": _home,
    "living": _living,
    "email": _email,
}
