"""What all pages have in common: who may see one, where others are led, which forms are taken."""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsgw.errors import MustChange, SecretReplaced
from smsgw.gateway import Citizen
from smsgw.portal import forms
from smsgw.portal.portal import Portal
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.portal.waiting import ONWARD
from smsgw.portal.wire import BUSY_SECONDS
from smsgw.store import Unavailable

LOG_IN = "/dang-nhap"
OWN_PASSWORD = "/mat-khau-moi"  # noqa: S105 - a page
CHECK = "/thong-tin/kiem-tra"
DONE = "/hoan-tat"
ACCOUNT = "/tai-khoan"
LOG_OUT = "/dang-xuat"

BUSY = timedelta(seconds=BUSY_SECONDS)


class Access(Enum):
    """Who may see a page."""

    ANYBODY = "anybody"
    GUEST = "guest"  #: nobody who is logged in
    SESSION = "session"  #: everybody who is logged in
    OWN_PASSWORD = "own password"  # noqa: S105  #: who has to choose one
    ANSWERS = "answers"  #: who has an own password
    WHOLE = "whole"  #: whose data are confirmed, too


async def onward(visit: Visit, citizen: Citizen) -> str:
    """Where a log-in leads."""
    if citizen.must_change:
        return OWN_PASSWORD
    if citizen.must_complete:
        question = citizen.first_open
        return CHECK if question is None else f"/thong-tin/{question.value}"
    if visit.waiting is not None and visit.session is not None:
        return ONWARD if visit.waiting.is_fresh(visit.session) else LOG_IN
    return ACCOUNT


def may_see(access: Access, citizen: Citizen) -> bool:
    match access:
        case Access.ANYBODY | Access.SESSION:
            return True
        case Access.GUEST:
            return False
        case Access.OWN_PASSWORD:
            return citizen.must_change
        case Access.ANSWERS:
            return not citizen.must_change
        case Access.WHOLE:
            return not citizen.must_change and not citizen.must_complete


class Page:
    """One page: `show` makes it, `act` does what its form asks for."""

    path: ClassVar[str]
    access: ClassVar[Access]
    has_form: ClassVar[bool] = True
    bound: ClassVar[bool] = True  #: its form belongs to the session that was shown it

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        """The page, empty or as it was sent."""
        raise NotImplementedError

    async def act(self, visit: Visit) -> Response:
        """What its form asks for, where it is one of ours."""
        raise NotImplementedError

    async def turn_away(self, visit: Visit) -> Response | None:
        """Where a visitor goes who may not see it; None: nowhere."""
        if self.access is Access.ANYBODY:
            return None
        if visit.citizen is None:
            return None if self.access is Access.GUEST else visit.to(LOG_IN)
        if may_see(self.access, visit.citizen):
            return None
        return visit.to(await onward(visit, visit.citizen))

    def route(self, portal: Portal) -> Route:
        async def endpoint(request: Request) -> Response:
            visit = Visit(request, portal)
            visit.bound = self.bound
            if request.method == "POST":
                return await self._take(visit)
            if self.access is not Access.ANYBODY:
                await visit.look_up()
            try:
                return await self.turn_away(visit) or await self.show(visit)
            except SecretReplaced:
                return visit.to(LOG_IN)

        return Route(self.path, endpoint, methods=["GET", "POST"] if self.has_form else ["GET"])

    async def _take(self, visit: Visit) -> Response:
        visit.typed = forms.read(visit.request, await visit.request.body())
        if self.access is not Access.ANYBODY:
            await visit.look_up()
        words = visit.portal.words
        if away := await self.replayed(visit) or await self.turn_away(visit):
            return away
        if foreign := visit.foreign():
            return await self.show(visit, Shown(403, notice=words(foreign.value)))
        try:
            return await self.act(visit)
        except Unavailable:
            return await self.busy(visit)
        except SecretReplaced:  # since the session was looked up
            return visit.to(LOG_IN)
        except MustChange:
            return visit.to(OWN_PASSWORD)

    async def replayed(self, visit: Visit) -> Response | None:
        """Where a form leads that was sent before; None: it is judged as any other."""
        return None

    async def busy(self, visit: Visit) -> Response:
        notice = visit.portal.words("notice.busy")
        return await self.show(visit, Shown(503, notice=notice, retry_after=BUSY))
