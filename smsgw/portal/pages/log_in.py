"""`/dang-nhap` and `/dang-xuat`."""

import logging
import re
from time import monotonic

from starlette.responses import Response

from smsgw.gateway import LoggedIn, Proof
from smsgw.model import AccountState
from smsgw.portal import sessions
from smsgw.portal.guessing import Guessing, Tried, Try, Verdict, read_username
from smsgw.portal.page import BUSY, LOG_IN, LOG_OUT, Access, Page, onward
from smsgw.portal.rendering import FieldFault
from smsgw.portal.short import SessionRow
from smsgw.portal.texts import Words, span
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.registration import own_password
from smsgw.registration.machine import Repeat

log = logging.getLogger("smsgw.portal")

_USERNAME = re.compile("[0-9]{9}|[0-9]{12}")


def refusal(words: Words, tried: Tried, repeat: Repeat) -> Shown:
    """What is shown of a try that was not judged."""
    match tried.verdict:
        case Verdict.WAIT:
            return Shown(
                429, notice=words("notice.wait", wait=span(tried.wait)), retry_after=tried.wait
            )
        case Verdict.SHUT:
            refuse = ".refuse" if repeat is Repeat.REFUSE else ""
            return Shown(429, notice=words(f"notice.shut{refuse}"), retry_after=tried.wait)
        case Verdict.NETWORK:
            return Shown(
                429, notice=words("notice.network", wait=span(tried.wait)), retry_after=tried.wait
            )
        case _:
            return Shown(503, notice=words("notice.busy"), retry_after=BUSY)


class LogIn(Page):
    path = LOG_IN
    access = Access.GUEST
    bound = False

    def __init__(self, guessing: Guessing) -> None:
        self._guessing = guessing

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        if how.notice is None and not how.faults and visit.ended is not None:
            ended = visit.portal.words(visit.ended.value, idle=visit.ended_idle)
            how = how._replace(notice=ended)
        return visit.page(
            "dang-nhap.html",
            how,
            username=visit.typed.get("username", visit.waiting.hint if visit.waiting else ""),
            visible=visit.request.query_params.get("hien") == "1",
        )

    async def turn_away(self, visit: Visit) -> Response | None:
        # Another may log in where somebody is: their form is judged.
        if visit.request.method == "POST":
            return None
        if visit.citizen is not None and await onward(visit, visit.citizen) == LOG_IN:
            return None  # a client wants the password once more
        return await super().turn_away(visit)

    async def replayed(self, visit: Visit) -> Response | None:
        """The form that opened this very session was sent once more: a double click, or Back."""
        if visit.session is None or visit.citizen is None:
            return None
        number = visit.form_number()
        if number is None or number != visit.session.opened_by:
            return None
        return visit.to(await onward(visit, visit.citizen))

    async def act(self, visit: Visit) -> Response:
        username = read_username(visit.typed.get("username", ""))
        typed = visit.typed.get("password", "")
        faults = []
        if not username:
            faults.append(visit.fault("username", "required"))
        elif not _USERNAME.fullmatch(username):
            faults.append(visit.fault("username", "form"))
        if not typed:
            faults.append(visit.fault("password", "required"))
        if faults:
            return await self.show(visit, Shown(422, faults=tuple(faults)))
        return await self._judge(visit, username, typed)

    async def _judge(self, visit: Visit, username: str, typed: str) -> Response:
        portal, began = visit.portal, monotonic()
        logged: list[LoggedIn] = []

        async def note(proof: Proof) -> None:
            address = str(visit.address or "")
            logged.append(
                await portal.ask(
                    portal.citizens.log_in, proof.account, proof.mark, visit.now, address=address
                )
            )

        one = Try(username, typed, visit.address, visit.browser_digest)
        tried = await self._guessing.judge(one, note, log_in=True)
        took = (monotonic() - began) * 1000
        log.info("log-in outcome=%s ms=%d id=%s", tried.verdict.value, took, visit.id)
        match tried.verdict:
            case Verdict.RIGHT:
                return await self._enter(visit, tried, logged[0])
            case Verdict.WRONG:
                return await self.show(visit, Shown(422, faults=(_wrong(visit, typed),)))
            case _:
                repeat = portal.settings.registration.repeat
                return await self.show(visit, refusal(portal.words, tried, repeat))

    async def _enter(self, visit: Visit, tried: Tried, logged: LoggedIn) -> Response:
        portal, proof = visit.portal, tried.proof
        assert proof is not None and proof.account is not None  # noqa: S101, PT018 - it was right
        opened_by = visit.form_number() or ""
        if visit.session is not None:
            await portal.shortly(portal.short.end_session, visit.session.key)
        browser, token = visit.keep_browser(), sessions.new_token()
        narrow = proof.state is AccountState.ISSUED
        row = sessions.opened(
            token,
            account=proof.account,
            mark=proof.mark,
            browser=browser,
            now=visit.now,
            narrow=narrow,
        )._replace(
            opened_by=opened_by,
            last_at=logged.before.at if logged.before else None,
            wrong_base=tried.totals.at_log_in,
        )
        await portal.shortly(portal.short.add_session, row)
        await portal.shortly(portal.short.know_device, row.browser, row.account, visit.now)
        visit.set_session(token)
        citizen = await portal.ask(portal.citizens.citizen, row.account, row.mark)
        visit.session, visit.citizen = row, citizen
        await portal.shortly(portal.short.grants.bind_waiting, row.browser, row.sid)
        await visit.find_waiting()
        return visit.to(await onward(visit, citizen))


def _wrong(visit: Visit, typed: str) -> FieldFault:
    fault = visit.fault("password", "wrong")
    if own_password.has_diacritics(typed):
        return fault._replace(text=f"{fault.text} {visit.portal.words('login.diacritics')}")
    return fault


class LogOut(Page):
    DONE = f"{LOG_OUT}?xong=1"

    path = LOG_OUT
    access = Access.SESSION

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        template = "dang-xuat.html" if visit.session else "da-dang-xuat.html"
        return visit.page(template, how, path=LOG_OUT, kept={})

    async def turn_away(self, visit: Visit) -> Response | None:
        if visit.session is None and visit.request.query_params.get("xong") == "1":
            return None
        if visit.session is None and visit.request.method == "POST":
            return visit.to(self.DONE)  # sent twice: nobody is logged in any more
        return await super().turn_away(visit)

    async def act(self, visit: Visit) -> Response:
        session, _ = visit.known
        await self.end(visit, session)
        return visit.to(self.DONE)

    async def end(self, visit: Visit, session: SessionRow) -> None:
        """End *session* and what waits for it; the browser stays known."""
        short = visit.portal.short
        await visit.portal.shortly(short.end_session, session.key)
        await visit.portal.shortly(short.grants.end_waiting, session.browser)
        visit.drop_session()
