"""`/thong-tin/…`: the data that were not texted, one question a page; then all of them to check."""

from collections.abc import Mapping
from typing import ClassVar

from starlette.responses import Response

from smsgw.gateway import Citizen
from smsgw.portal.page import ACCOUNT, CHECK, DONE, Access, Page, onward
from smsgw.portal.pages.rows import Row, rows_of, texted_rows
from smsgw.portal.texts import POLICY, Words
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.registration import profile, units
from smsgw.registration.profile import Answers, Question

#: Of a page's address: it was asked for by "Sửa", and leads back to where that stands.
_CHANGING = "sua"

_ORDER = tuple(Question)


def url_of(question: Question, *, changing: bool = False) -> str:
    return f"/thong-tin/{question.value}" + (f"?{_CHANGING}=1" if changing else "")


class Ask(Page):
    """One question."""

    access = Access.ANSWERS
    question: ClassVar[Question]
    fields: ClassVar[tuple[str, ...]]

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        _, citizen = visit.known
        stored = stored_values(self.question, citizen)
        typed = visit.typed if visit.request.method == "POST" else stored
        return visit.page(
            f"hoi/{self.question.name.lower()}.html",
            how,
            value={field: typed.get(field, "") for field in self.fields},
            back=self._back(visit, citizen),
            **self._choices(citizen),
        )

    async def turn_away(self, visit: Visit) -> Response | None:
        if away := await super().turn_away(visit):
            return away
        _, citizen = visit.known
        wards = {Question.HOME_WARD: Question.HOME, Question.LIVING_WARD: Question.LIVING}
        before = wards.get(self.question)
        if before and profile.province_asked(citizen.answers, self.question) is None:
            return visit.to(url_of(before, changing=self._changing(visit)))
        return None

    async def act(self, visit: Visit) -> Response:
        session, citizen = visit.known
        portal = visit.portal
        typed = {field: visit.typed.get(field, "") for field in self.fields}
        if self.question is Question.EMAIL and "skip" in visit.typed:
            typed["email"] = ""
        found = await portal.ask(
            portal.citizens.save, session.account, citizen.mark, self.question, typed, visit.now
        )
        if found:
            values = self._named(citizen)
            faults = tuple(visit.fault(each.field, each.reason, **values) for each in found)
            return await self.show(visit, Shown(422, faults=faults))
        after = await portal.ask(portal.citizens.citizen, session.account, citizen.mark)
        return visit.to(await self._next(visit, citizen, after))

    async def _next(self, visit: Visit, before: Citizen, after: Citizen) -> str:
        """Where the citizen goes on, once it is saved."""
        changing = self._changing(visit)
        follows = _ORDER[(_ORDER.index(self.question) + 1) :]
        if self.question is Question.HOME and after.answers.home_province:
            return url_of(Question.HOME_WARD, changing=changing)
        if self.question is Question.LIVING and after.answers.living_province:
            return url_of(Question.LIVING_WARD, changing=changing)
        if not before.must_complete:
            session, _ = visit.known
            await visit.portal.shortly(visit.portal.short.set_notice, session.key, "saved")
            return ACCOUNT
        if changing:
            return await onward(visit, after)
        for question in follows:
            if question is not Question.LIVING_WARD or after.answers.living_same is not True:
                return url_of(question)
        return await onward(visit, after)

    def _changing(self, visit: Visit) -> bool:
        return visit.request.query_params.get(_CHANGING) == "1"

    def _back(self, visit: Visit, citizen: Citizen) -> str | None:
        if not citizen.must_complete:
            return ACCOUNT
        if self._changing(visit):
            return CHECK
        place = _ORDER.index(self.question)
        if self.question is Question.EMAIL and citizen.answers.living_same:
            place -= 1
        return url_of(_ORDER[place - 1]) if place else None

    def _choices(self, citizen: Citizen) -> Mapping[str, object]:
        match self.question:
            case Question.NAME:
                return {"texted": citizen.account.full_name}
            case Question.HOME | Question.LIVING:
                return {"provinces": units.provinces()}
            case Question.HOME_WARD | Question.LIVING_WARD:
                province = profile.province_asked(citizen.answers, self.question)
                assert province is not None  # noqa: S101 - else it was turned away
                return {"wards": province.wards, "province": province.name}
            case _:
                return {}

    def _named(self, citizen: Citizen) -> dict[str, str]:
        """What a fault may quote."""
        province = None
        if self.question in (Question.HOME_WARD, Question.LIVING_WARD):
            province = profile.province_asked(citizen.answers, self.question)
        return {
            "texted": citizen.account.full_name,
            "province": province.name if province else "",
        }


_FIELDS: Mapping[Question, tuple[str, ...]] = {
    Question.NAME: ("full_name",),
    Question.GENDER: ("gender",),
    Question.DOCUMENT: ("id_issued_day", "id_issued_month", "id_issued_year", "id_issued_by"),
    Question.HOME: ("home_province",),
    Question.HOME_WARD: ("home_ward", "home_street"),
    Question.LIVING: ("living_same", "living_province"),
    Question.LIVING_WARD: ("living_ward", "living_street"),
    Question.EMAIL: ("email",),
}


def questions() -> list[Page]:
    """A page for each."""
    return [
        type(
            question.name.title(),
            (Ask,),
            {"path": url_of(question), "question": question, "fields": _FIELDS[question]},
        )()
        for question in Question
    ]


def stored_values(question: Question, citizen: Citizen) -> dict[str, str]:
    """What stands in the fields of a page that was not sent yet."""
    answers = citizen.answers
    match question:
        case Question.NAME:
            return {"full_name": answers.full_name or ""}
        case Question.GENDER:
            return {"gender": answers.gender or profile.told_gender(citizen.account.cmnd) or ""}
        case Question.DOCUMENT:
            day = answers.id_issued_on
            parts = (str(day.day), str(day.month), str(day.year)) if day else ("", "", "")
            return dict(zip(_FIELDS[question], (*parts, answers.id_issued_by or ""), strict=True))
        case Question.HOME:
            home = answers.home.province_code if answers.home else ""
            return {"home_province": answers.home_province or home}
        case Question.LIVING:
            return _living(answers)
        case Question.HOME_WARD | Question.LIVING_WARD:
            return _ward(question, answers)
        case Question.EMAIL:
            return {"email": answers.email or ""}


def _living(answers: Answers) -> dict[str, str]:
    living = answers.living.province_code if answers.living else ""
    pending = answers.living_province
    same = "" if answers.living_same is None else "yes" if answers.living_same else "no"
    if pending:
        same = "no"
    return {"living_same": same, "living_province": pending or living}


def _ward(question: Question, answers: Answers) -> dict[str, str]:
    home = question is Question.HOME_WARD
    address = answers.home if home else answers.living
    pending = answers.home_province if home else answers.living_province
    name = "home" if home else "living"
    if address is None:
        return {}
    moves = pending is not None and pending != address.province_code
    return {
        f"{name}_ward": "" if moves else address.ward_code,
        f"{name}_street": "" if moves else address.street,
    }


class Check(Page):
    """`/thong-tin/kiem-tra`: all answers, and the consent."""

    path = CHECK
    access = Access.ANSWERS

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        _, citizen = visit.known
        return visit.page(
            "kiem-tra.html",
            how,
            version=citizen.version,
            answered=rows_to_change(visit.portal.words, citizen),
            texted=texted_rows(visit.portal.words, citizen.account),
        )

    async def turn_away(self, visit: Visit) -> Response | None:
        if away := await super().turn_away(visit):
            return away
        _, citizen = visit.known
        if not citizen.must_complete:
            sent_twice = visit.request.method == "POST"
            return visit.to(DONE if sent_twice else ACCOUNT)
        if citizen.first_open is not None:
            return visit.to(await onward(visit, citizen))
        return None

    async def act(self, visit: Visit) -> Response:
        session, citizen = visit.known
        portal = visit.portal
        if not visit.typed.get("agree"):
            return await self.show(visit, Shown(422, faults=(visit.fault("agree", "required"),)))
        given = visit.typed.get("version", "")
        version = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1
        if version == citizen.version and await portal.ask(
            portal.citizens.confirm, session.account, citizen.mark, version, POLICY, visit.now
        ):
            return visit.to(DONE)
        visit.citizen = await portal.ask(portal.citizens.citizen, session.account, citizen.mark)
        if away := await self.turn_away(visit):
            return away
        return await self.show(visit, Shown(422, faults=(visit.fault("agree", "changed"),)))


class Done(Page):
    """`/hoan-tat`: the account is ready; on to who asked."""

    path = DONE
    access = Access.WHOLE
    has_form = False

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        waiting = visit.waiting
        return visit.page("hoan-tat.html", how, waiting=waiting.next if waiting else None)


def rows_to_change(words: Words, citizen: Citizen) -> list[tuple[Row, str]]:
    """What was answered, each with the page where it is changed."""
    return [(row, url_of(row.question, changing=True)) for row in rows_of(words, citizen)]
