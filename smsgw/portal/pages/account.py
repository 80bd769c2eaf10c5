"""`/tai-khoan`: data, last log-in, devices. `/du-lieu-cua-toi`: all that is kept, to take along."""

import json
from datetime import datetime

from starlette.responses import Response

from smsgw.portal.guessing import name_digest
from smsgw.portal.page import ACCOUNT, LOG_IN, Access, Page
from smsgw.portal.pages.questions import rows_to_change
from smsgw.portal.pages.rows import texted_rows
from smsgw.portal.short import SessionRow
from smsgw.portal.texts import HISTORY, Words
from smsgw.portal.visit import PLAIN, Shown, Visit


class Account(Page):
    path = ACCOUNT
    access = Access.WHOLE

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        session, citizen = visit.known
        portal, words = visit.portal, visit.portal.words
        if how.notice is None and session.notice:
            how = how._replace(notice=words(session.notice))
            await portal.shortly(portal.short.set_notice, session.key, "")
        devices = await portal.shortly(portal.short.sessions_of, session.account)
        totals = await portal.shortly(portal.short.totals, name_digest(citizen.account.username))
        last = None
        if session.last_at is not None:
            wrong = max(totals.ever - session.wrong_base, 0)
            last = words("account.last", moment=words.moment(session.last_at), wrong=wrong)
        return visit.page(
            "tai-khoan.html",
            how,
            last=last,
            answered=rows_to_change(words, citizen),
            texted=texted_rows(words, citizen.account),
            devices=[self._device(visit, row) for row in devices if self._lives(visit, row)],
        )

    def _lives(self, visit: Visit, row: SessionRow) -> bool:
        limits = visit.portal.limits
        _, citizen = visit.known
        lasts = min(row.seen_at + limits.idle, row.auth_at + limits.absolute)
        return row.mark == citizen.mark and lasts > visit.now

    def _device(self, visit: Visit, row: SessionRow) -> tuple[bool, str]:
        """Whether it is this one, and since when it is in use."""
        session, _ = visit.known
        words = visit.portal.words
        times = {"since": words.moment(row.auth_at), "used": words.moment(row.seen_at)}
        return row.key == session.key, words("account.used", **times)

    async def act(self, visit: Visit) -> Response:
        session, _ = visit.known
        await visit.portal.shortly(visit.portal.short.end_sessions, session.account, session.key)
        return visit.to(ACCOUNT)


class OwnData(Page):
    path = "/du-lieu-cua-toi"
    access = Access.ANSWERS
    has_form = False

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        session, citizen = visit.known
        portal, words = visit.portal, visit.portal.words
        data = await portal.ask(portal.citizens.own_data, session.account)
        clients = await portal.ask(portal.citizens.clients.all)
        titles = {each.name: each.title or each.name for each in clients}
        return visit.page(
            "du-lieu.html",
            how,
            kept=[
                *texted_rows(words, citizen.account),
                *((row.label, row.value) for row, _ in rows_to_change(words, citizen)),
            ],
            history=[
                _line(words, entry["at"], HISTORY.get(entry["what"], entry["what"]))
                for entry in data["history"]
            ],
            disclosed=[
                _line(words, entry["at"], titles.get(entry["client"], entry["client"]))
                for entry in data["disclosures"]
            ],
        )


def _line(words: Words, at: str, what: str) -> str:
    return f"{words.moment(datetime.fromisoformat(at))}: {what}"


class OwnDataFile(OwnData):
    """The same for programs."""

    path = "/du-lieu-cua-toi.json"

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        session, _ = visit.known
        data = await visit.portal.ask(visit.portal.citizens.own_data, session.account)
        body = json.dumps(data, ensure_ascii=False, indent=2)
        headers = {"content-disposition": 'attachment; filename="du-lieu-cua-toi.json"'}
        return visit.done(Response(body, how.status, headers, "application/json"))


class Front(Page):
    """`/`: to the account, or to the log-in."""

    path = "/"
    access = Access.WHOLE
    has_form = False

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        return visit.to(ACCOUNT if visit.session else LOG_IN)
