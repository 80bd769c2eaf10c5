"""A citizen's data as rows of label and value; pure."""

from typing import NamedTuple

from smsgw.gateway import Citizen
from smsgw.model import Account
from smsgw.portal.texts import Words
from smsgw.registration.profile import Question


class Row(NamedTuple):
    label: str
    value: str
    question: Question
    change: str  #: what "Sửa" means here, for those who do not see the row


def rows_of(words: Words, citizen: Citizen) -> list[Row]:
    """What the citizen answered."""
    answers = citizen.answers
    rows = []

    def row(name: str, question: Question, value: str) -> None:
        rows.append(Row(words(f"{name}.row"), value, question, words(f"{name}.change")))

    row("full_name", Question.NAME, answers.full_name or "")
    row("gender", Question.GENDER, words(f"gender.{answers.gender}") if answers.gender else "")
    day = answers.id_issued_on
    row("id.date", Question.DOCUMENT, f"{day.day}/{day.month}/{day.year}" if day else "")
    row("id.by", Question.DOCUMENT, answers.id_issued_by or "")
    row("home", Question.HOME, answers.home.formatted if answers.home else "")
    lives = words("living.same") if answers.living_same else ""
    row("living", Question.LIVING, answers.living.formatted if answers.living else lives)
    row("email", Question.EMAIL, answers.email or words("email.none"))
    return rows


def texted_rows(words: Words, account: Account) -> list[tuple[str, str]]:
    """What was texted and is not changed here."""
    born = account.birth_date
    return [
        (words("check.cmnd"), account.cmnd),
        (words("check.birth"), f"{born.day}/{born.month}/{born.year}"),
        (words("check.phone"), account.phone),
    ]
