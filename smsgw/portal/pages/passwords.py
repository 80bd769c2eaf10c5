"""`/mat-khau-moi`, the first own password, and `/doi-mat-khau`, every other one.

Kept is a password only in place of the one that was proved: of one that a text, the expiry pass or
the hotline replaced meanwhile, nothing is overwritten, and the page says so.
"""

from starlette.responses import Response

from smsgw.errors import SecretReplaced
from smsgw.model import AccountState
from smsgw.portal import sessions
from smsgw.portal.guessing import Guessing, Try, Verdict, read
from smsgw.portal.hashing import Full
from smsgw.portal.page import ACCOUNT, LOG_IN, OWN_PASSWORD, Access, Page, onward
from smsgw.portal.pages.log_in import refusal
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.registration import own_password
from smsgw.registration.own_password import Reason

CHANGE = "/doi-mat-khau"
#: Of a page's address: the box for diacritics is shown.
_DIACRITICS = "dau"


class _Choice(Page):
    """A page on which an own password is chosen."""

    notice: str = ""

    def accepts_diacritics(self, visit: Visit) -> bool:
        return visit.typed.get("accept_diacritics") == "yes"

    def form_values(self, visit: Visit) -> dict[str, object]:
        asked = visit.request.query_params.get(_DIACRITICS) == "1"
        return {"box": asked or self.accepts_diacritics(visit)}

    def diacritics(self, visit: Visit, password: str) -> Response:
        """The one answer that holds a password; nothing is kept."""
        return visit.page("dau.html", Shown(422), typed=password, path=self.path)

    async def keep(self, visit: Visit, password: str) -> Response | None:
        """Have *password* open the account from now on; None: another one does already."""
        portal, (session, citizen) = visit.portal, visit.known
        fresh = await portal.hashers.hash(password)
        try:
            mark = await portal.ask(
                portal.citizens.set_own_password, session.account, citizen.mark, fresh, visit.now
            )
        except SecretReplaced:
            return None
        token = sessions.new_token()
        row = session._replace(
            key=sessions.digest(token),
            mark=mark,
            narrow=False,
            kept_by=visit.form_number() or "",
            seen_at=visit.now,
            notice=self.notice,
        )
        await portal.shortly(portal.short.replace_session, row)
        visit.set_session(token)
        citizen = await portal.ask(portal.citizens.citizen, row.account, row.mark)
        visit.session, visit.citizen = row, citizen
        return visit.to(await onward(visit, citizen))

    async def moved(self, visit: Visit) -> Response:
        """Another password opens the account by now: was it texted?"""
        session, _ = visit.known
        portal = visit.portal
        proof = await portal.ask(portal.citizens.proof_of, session.account, visit.now)
        if proof.state is AccountState.ISSUED:
            return visit.page("da-thay.html", Shown(409))
        return visit.to(LOG_IN)


class OwnPassword(_Choice):
    path = OWN_PASSWORD
    access = Access.OWN_PASSWORD

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        session, _ = visit.known
        portal = visit.portal
        proof = await portal.ask(portal.citizens.proof_of, session.account, visit.now)
        until = proof.usable_until
        return visit.page(
            "mat-khau-moi.html",
            how,
            until=portal.words.moment(until) if until else None,
            **self.form_values(visit),
        )

    async def replayed(self, visit: Visit) -> Response | None:
        if visit.session is None and visit.moved:
            return visit.page("da-thay.html", Shown(409))
        return None  # who has an own password is led on as everybody

    async def act(self, visit: Visit) -> Response:
        password = own_password.own(visit.typed.get("new_password", ""))
        try:
            with visit.portal.hashers.place():
                return await self._choose(visit, password)
        except Full:
            return await self.busy(visit)

    async def _choose(self, visit: Visit, password: str) -> Response:
        if reason := await self._reason(visit, password):
            return await self.show(visit, Shown(422, faults=(visit.fault("new_password", reason),)))
        if own_password.has_diacritics(password) and not self.accepts_diacritics(visit):
            return self.diacritics(visit, password)
        return await self.keep(visit, password) or await self.moved(visit)

    async def _reason(self, visit: Visit, password: str) -> str | None:
        if not password:
            return "required"
        portal, (session, citizen) = visit.portal, visit.known
        least = portal.settings.registration.own_password_min
        if reason := own_password.form_fault(password, least):
            return reason
        proof = await portal.ask(portal.citizens.proof_of, session.account, visit.now)
        if await portal.hashers.verify(proof.hash, read(proof.state, password)):
            return Reason.SAME_AS_OLD
        return own_password.content_fault(password, citizen.person)


class ChangePassword(_Choice):
    path = CHANGE
    access = Access.WHOLE
    notice = "account.changed"

    def __init__(self, guessing: Guessing) -> None:
        self._guessing = guessing

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        return visit.page(
            "doi-mat-khau.html",
            how,
            **self.form_values(visit),
        )

    async def replayed(self, visit: Visit) -> Response | None:
        """The form that chose this session's password was sent once more."""
        number = visit.form_number()
        if visit.session is None or number is None or number != visit.session.kept_by:
            return None
        return visit.to(ACCOUNT)

    async def act(self, visit: Visit) -> Response:
        now, password = (
            own_password.own(visit.typed.get(field, "")) for field in ("password", "new_password")
        )
        faults = []
        if not now:
            faults.append(visit.fault("password", "now_required"))
        if reason := self._reason(visit, now, password):
            faults.append(visit.fault("new_password", reason))
        if faults:
            return await self.show(visit, Shown(422, faults=tuple(faults)))
        if own_password.has_diacritics(password) and not self.accepts_diacritics(visit):
            return self.diacritics(visit, password)
        return await self._judge(visit, now, password)

    def _reason(self, visit: Visit, now: str, password: str) -> str | None:
        if not password:
            return "required"
        _, citizen = visit.known
        least = visit.portal.settings.registration.own_password_min
        return own_password.fault(password, least, citizen.person, same_as_old=password == now)

    async def _judge(self, visit: Visit, now: str, password: str) -> Response:
        _, citizen = visit.known
        one = Try(citizen.account.username, now, visit.address, visit.browser_digest)
        tried = await self._guessing.judge(one)
        match tried.verdict:
            case Verdict.RIGHT:
                return await self._keep(visit, password)
            case Verdict.WRONG:
                fault = visit.fault("password", "now_wrong")
                return await self.show(visit, Shown(422, faults=(fault,)))
            case _:
                repeat = visit.portal.settings.registration.repeat
                return await self.show(visit, refusal(visit.portal.words, tried, repeat))

    async def _keep(self, visit: Visit, password: str) -> Response:
        try:
            with visit.portal.hashers.place():
                return await self.keep(visit, password) or await self.moved(visit)
        except Full:
            return await self.busy(visit)
