"""One request to a page: who sent it, what was typed, and the answer with its cookies."""

import logging
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smsgw import clock
from smsgw.errors import SecretReplaced
from smsgw.gateway import Citizen
from smsgw.model import AccountState
from smsgw.portal import forms, sessions, throttle
from smsgw.portal.addresses import Address
from smsgw.portal.portal import Portal
from smsgw.portal.rendering import FieldFault
from smsgw.portal.sessions import BROWSER_COOKIE, SESSION_COOKIE, Ended
from smsgw.portal.short import SessionRow
from smsgw.portal.texts import span
from smsgw.portal.waiting import Waiting, lives

log = logging.getLogger("smsgw.portal")


class Shown(NamedTuple):
    """With what a page is shown, beside what stands on it."""

    status: int = 200
    faults: tuple[FieldFault, ...] = ()  #: of what was typed
    notice: str | None = None  #: one sentence above everything else
    retry_after: timedelta | None = None


PLAIN = Shown()


class Visit:
    """
    Attributes:
        session: None: nobody is logged in here.
        ended: why the session of this browser opens nothing any more; None: there was none.
        ended_idle: after how long without use it would have ended, in words.
        citizen: of the session, as the database has it now.
        moved: the password of this session was an issued one, and is another issued one now.
        typed: the fields of the form.
        waiting: the request of a client that waits in this browser; None: there is none.
    """

    def __init__(self, request: Request, portal: Portal) -> None:
        self.request = request
        self.portal = portal
        self.now: datetime = clock.now()
        self.id: str = request.state.id
        self.address: Address | None = request.state.address
        self._sent = sessions.cookies(request.headers.getlist("cookie"))
        self.browser = sessions.read_token(self._sent.get(BROWSER_COOKIE))
        self.session: SessionRow | None = None
        self.ended: Ended | None = None
        self.ended_idle = ""
        self.citizen: Citizen | None = None
        self.moved = False
        self.waiting: Waiting | None = None
        self.typed: dict[str, str] = {}
        self.bound = True  #: to the session; a form of who is nobody yet is not
        self._cookies: list[str] = []

    # --- who it is ------------------------------------------------------------------------------

    async def look_up(self) -> None:
        """Find the session of this browser, its citizen, and who waits for them."""
        await self._find_session()
        await self.find_waiting()

    async def find_waiting(self) -> None:
        """Find the request of a client that waits in this browser."""
        self.waiting = None
        if self.browser_digest is None:
            return
        grants = self.portal.short.grants
        row = await self.portal.shortly(grants.waiting, self.browser_digest)
        if row is not None and lives(row, self.session, self.now):
            self.waiting = Waiting.from_json(row.document)

    async def _find_session(self) -> None:
        given = self._sent.get(SESSION_COOKIE)
        if given is None:
            return
        token = sessions.read_token(given)
        short, limits = self.portal.short, self.portal.limits
        row = None
        if token is not None:
            key = sessions.digest(token)
            row = await self.portal.shortly(short.use_session, key, limits, self.now)
            if row is None:
                known = await self.portal.shortly(short.session, key)
                self.ended = sessions.why_ended(known, limits)
                narrow = known is not None and known.narrow
                self.ended_idle = span(limits.narrow_idle if narrow else limits.idle)
        else:
            self.ended = Ended.OVER
        if row is not None:
            await self._identify(row)

    async def _identify(self, row: SessionRow) -> None:
        portal = self.portal
        try:
            self.citizen = await portal.ask(portal.citizens.citizen, row.account, row.mark)
        except SecretReplaced:
            proof = await portal.ask(portal.citizens.proof_of, row.account, self.now)
            self.ended = Ended.OVER if proof.account is None else Ended.REPLACED
            self.moved = row.narrow and proof.state is AccountState.ISSUED
        else:
            self.session = row

    @property
    def known(self) -> tuple[SessionRow, Citizen]:
        """Session and citizen, where a page is shown to nobody else."""
        assert self.session is not None  # noqa: S101 - the page's access says so
        assert self.citizen is not None  # noqa: S101
        return self.session, self.citizen

    # --- its form -------------------------------------------------------------------------------

    @property
    def _sid(self) -> str:
        return self.session.sid if self.session and self.bound else ""

    def token(self) -> str:
        """For a form in the answer; a browser that is new here gets its cookie."""
        if self.browser is None:
            self.browser = sessions.new_token()
            self._set(BROWSER_COOKIE, self.browser)
        return forms.token(self.portal.keys, self.browser, self._sid)

    def foreign(self) -> forms.Foreign | None:
        """Why the form that came is not one of ours; None: it is."""
        if forms.is_foreign(self.request.headers, self.portal.options.public_url):
            return forms.Foreign.STALE
        if self.browser is None:
            return forms.Foreign.NO_COOKIE
        return None if self.form_number() else forms.Foreign.STALE

    def form_number(self) -> str | None:
        """What tells the form that came from all others; None: it is none of ours."""
        if self.browser is None:
            return None
        given = self.typed.get(forms.TOKEN, "")
        return forms.number(self.portal.keys, given, self.browser, self._sid)

    @property
    def browser_digest(self) -> bytes | None:
        return sessions.digest(self.browser) if self.browser else None

    # --- the answer -----------------------------------------------------------------------------

    def page(
        self,
        template: str,
        how: Shown = PLAIN,
        **values: Any,
    ) -> Response:
        """A page in answer to this request, with a token for its form."""
        closes = None
        if self.session is not None:
            limits = self.portal.limits
            closes = span(limits.narrow_idle if self.session.narrow else limits.idle)
        if self.citizen is not None:
            values.setdefault("username", self.citizen.account.username)
        if self.waiting is not None and self.waiting.origin is not None:
            values.setdefault("onward", (self.waiting.origin,))
        if "token" not in values:
            values["token"] = self.token()
        answer = self.portal.pages.page(
            template, how.status, faults=how.faults, notice=how.notice, closes=closes, **values
        )
        if how.retry_after is not None:
            seconds = -(-how.retry_after // timedelta(seconds=1))
            answer.headers["retry-after"] = str(max(seconds, 1))
        return self.done(answer)

    def to(self, url: str) -> Response:
        """Lead the browser on."""
        return self.done(RedirectResponse(url, 303))

    def done(self, answer: Response) -> Response:
        for cookie in self._cookies:
            answer.headers.append("set-cookie", cookie)
        return answer

    def fault(self, field: str, reason: str, **values: object) -> FieldFault:
        return FieldFault(field, self.portal.words.fault(field, reason, **values))

    # --- cookies --------------------------------------------------------------------------------

    def set_session(self, token: str) -> None:
        self._set(SESSION_COOKIE, token)

    def drop_session(self) -> None:
        self._set(SESSION_COOKIE, "", lives=timedelta(0))

    def keep_browser(self) -> str:
        """Have the browser keep its cookie after it is closed: it has logged in."""
        self.browser = self.browser or sessions.new_token()
        self._set(BROWSER_COOKIE, self.browser, lives=throttle.KNOWN_FOR)
        return self.browser

    def _set(self, name: str, value: str, *, lives: timedelta | None = None) -> None:
        age = "" if lives is None else f"; Max-Age={lives // timedelta(seconds=1)}"
        self._cookies = [each for each in self._cookies if not each.startswith(f"{name}=")]
        self._cookies.append(f"{name}={value}; Path=/{age}; Secure; HttpOnly; SameSite=Lax")
