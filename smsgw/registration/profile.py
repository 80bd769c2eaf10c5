"""The data that a citizen adds to what was texted: the questions, and what answers them.

Pure: what is known, what was typed and today's date are passed in; new answers or faults come back.
A fault names a field of the page and a reason; their sentences stand with who shows them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from smsgw.registration import units
from smsgw.registration.fields import (
    Reason,
    date_fault,
    date_of,
    is_email,
    name_fault,
    text_fault,
    tidy,
)


class Gender(StrEnum):
    MALE = "male"
    FEMALE = "female"


class Fault(NamedTuple):
    """An answer that cannot be taken."""

    field: str  #: of the page, such as "home_ward"
    reason: Reason


class Question(Enum):
    """In the order in which they are asked; the value is the page's path below `/thong-tin/`."""

    NAME = "ho-ten"
    GENDER = "gioi-tinh"
    DOCUMENT = "giay-to"
    HOME = "thuong-tru"
    HOME_WARD = "thuong-tru/xa"
    LIVING = "noi-o"
    LIVING_WARD = "noi-o/xa"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Address:
    """A home, by the units of 2025; names as they were shown that day."""

    province: str
    province_code: str
    ward: str
    ward_code: str
    street: str

    @property
    def formatted(self) -> str:
        return f"{self.street}, {self.ward}, {self.province}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered so far; None: not yet.

    Attributes:
        home_province: the code of one that was chosen, whose commune is not answered yet: until it
            is, `home` stays as it was. So `living_province`.
        living: None where it is the home.
        email: "": it was skipped.
    """

    full_name: str | None = None
    gender: Gender | None = None
    id_issued_on: date | None = None
    id_issued_by: str | None = None
    home: Address | None = None
    home_province: str | None = None
    living_same: bool | None = None
    living: Address | None = None
    living_province: str | None = None
    email: str | None = None

    @property
    def lives_at(self) -> Address | None:
        """Where the citizen lives; the home, too."""
        return self.home if self.living_same else self.living

    def to_json(self) -> dict[str, object]:
        """Plain values; what is not answered is left out."""
        return {each.name: _plain(value) for each in fields(self)
                if (value := getattr(self, each.name)) is not None}  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Answers":
        """What `to_json` gave, perhaps by an older version."""
        known = {each.name for each in fields(cls)}
        read = {name: value for name, value in found.items() if name in known}
        for name, make in _READERS.items():
            if name in read:
                read[name] = make(read[name])
        return cls(**read)


_READERS: Mapping[str, Callable[[Any], object]] = {
    "gender": Gender,
    "id_issued_on": date.fromisoformat,
    "home": lambda address: Address(**address),
    "living": lambda address: Address(**address),
}


def _plain(value: object) -> object:
    if isinstance(value, Address):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Gender):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


class Texted(NamedTuple):
    """What the registration says; it is not changed here."""

    full_name: str
    cmnd: str
    birth_date: date


def told_gender(cmnd: str) -> Gender | None:
    """What a 12-digit number tells; None: a 9-digit one tells nothing.

    Source: Decree 137/2015/ND-CP, article 7: the fourth digit is even for men.
    """
    if len(cmnd) != 12:
        return None
    return Gender.FEMALE if int(cmnd[3]) % 2 else Gender.MALE


def first_open(answers: Answers) -> Question | None:
    """The first question without an answer; None: all are answered."""
    return next((question for question in Question if not _is_answered(answers, question)), None)


def is_complete(answers: Answers) -> bool:
    return first_open(answers) is None


def changes(before: Answers, after: Answers) -> tuple[str, ...]:
    """What of the profile is another now, by the names that programs read."""

    def told(answers: Answers) -> dict[str, object]:
        return {
            "full_name": answers.full_name,
            "gender": answers.gender,
            "id_issued_on": answers.id_issued_on,
            "id_issued_by": answers.id_issued_by,
            "home": answers.home,
            "living": answers.lives_at,
            "email": answers.email,
        }

    old, new = told(before), told(after)
    return tuple(name for name in new if new[name] != old[name])


def _is_answered(answers: Answers, question: Question) -> bool:
    match question:
        case Question.NAME:
            return answers.full_name is not None
        case Question.GENDER:
            return answers.gender is not None
        case Question.DOCUMENT:
            return answers.id_issued_on is not None and answers.id_issued_by is not None
        case Question.HOME:
            return answers.home is not None or answers.home_province is not None
        case Question.HOME_WARD:
            return answers.home is not None
        case Question.LIVING:
            return answers.living_same is not None or answers.living_province is not None
        case Question.LIVING_WARD:
            return answers.lives_at is not None
        case Question.EMAIL:
            return answers.email is not None


def province_asked(answers: Answers, question: Question) -> units.Province | None:
    """The province whose communes HOME_WARD or LIVING_WARD shows; None: it must be chosen first."""
    if question is Question.HOME_WARD:
        code, former = answers.home_province, answers.home
    else:
        code, former = answers.living_province, answers.living
    code = code or (former.province_code if former else None)
    return units.province(code) if code else None


def answer(
    question: Question, typed: Mapping[str, str], before: Answers, texted: Texted, today: date
) -> Answers | tuple[Fault, ...]:
    """*before* with the answer to *question*, or all that is wrong with it.

    Args:
        typed: the page's fields as they came; a missing one is empty.
        today: where the citizens live.
    """
    return _ANSWERS[question](_Typed(typed), before, texted, today)


class _Typed:
    """The fields of a page."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        self._typed = typed

    def __getitem__(self, field: str) -> str:
        return tidy(self._typed.get(field, ""))


_Answer = Answers | tuple[Fault, ...]


def _name(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    name = typed["full_name"]
    if reason := name_fault(name, texted.full_name):
        return (Fault("full_name", reason),)
    return replace(before, full_name=name)


def _gender(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    try:
        return replace(before, gender=Gender(typed["gender"]))
    except ValueError:
        return (Fault("gender", Reason.REQUIRED),)


def _document(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    issued = date_of(typed["id_issued_day"], typed["id_issued_month"], typed["id_issued_year"])
    by = typed["id_issued_by"]
    wrong = issued if isinstance(issued, Reason) else date_fault(issued, texted.birth_date, today)
    faults = (Fault("id_issued_day", wrong) if wrong else None,
              Fault("id_issued_by", reason) if (reason := text_fault(by)) else None)  # fmt: skip
    if any(faults):
        return tuple(filter(None, faults))
    assert isinstance(issued, date)  # noqa: S101 - else it is a fault
    return replace(before, id_issued_on=issued, id_issued_by=by)


def _home(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    code = typed["home_province"]
    if units.province(code) is None:
        return (Fault("home_province", Reason.REQUIRED),)
    return replace(before, home_province=code)


def _home_ward(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    address = _address("home", typed, province_asked(before, Question.HOME_WARD))
    if isinstance(address, tuple):
        return address
    return replace(before, home=address, home_province=None)


def _living(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    match typed["living_same"]:
        case "yes":
            return replace(before, living_same=True, living=None, living_province=None)
        case "no" if units.province(typed["living_province"]) is None:
            return (Fault("living_province", Reason.REQUIRED),)
        case "no":
            return replace(before, living_province=typed["living_province"])
        case _:
            return (Fault("living_same", Reason.REQUIRED),)


def _living_ward(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    address = _address("living", typed, province_asked(before, Question.LIVING_WARD))
    if isinstance(address, tuple):
        return address
    return replace(before, living_same=False, living=address, living_province=None)


def _email(typed: _Typed, before: Answers, texted: Texted, today: date) -> _Answer:
    email = typed["email"]
    if email and not is_email(email):
        return (Fault("email", Reason.NO_ADDRESS),)
    return replace(before, email=email)


_ANSWERS: Mapping[Question, Callable[[_Typed, Answers, Texted, date], _Answer]] = {
    Question.NAME: _name,
    Question.GENDER: _gender,
    Question.DOCUMENT: _document,
    Question.HOME: _home,
    Question.HOME_WARD: _home_ward,
    Question.LIVING: _living,
    Question.LIVING_WARD: _living_ward,
    Question.EMAIL: _email,
}


def _address(
    kind: str, typed: _Typed, province: units.Province | None
) -> Address | tuple[Fault, ...]:
    if province is None:
        return (Fault(f"{kind}_province", Reason.REQUIRED),)
    code, street = typed[f"{kind}_ward"], typed[f"{kind}_street"]
    ward = province.ward(code)
    faults = []
    if ward is None:
        faults.append(Fault(f"{kind}_ward", Reason.NOT_IN_PROVINCE if code else Reason.REQUIRED))
    if reason := text_fault(street):
        faults.append(Fault(f"{kind}_street", reason))
    if ward is None or faults:
        return tuple(faults)
    return Address(province.name, province.code, ward.name, ward.code, street)
