"""`/oauth2/authorize`: a client sends a citizen here; and the way back to it.

No code is given before the citizen has an own password and complete data. Who cannot be told back
to a client (it is unknown, or its redirect URI, or a parameter stands twice) gets a page.
"""

import logging
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smsgw.clock import stamp
from smsgw.errors import SecretReplaced
from smsgw.portal.oidc import asking, codes, tokens
from smsgw.portal.oidc.answers import Refused, form
from smsgw.portal.oidc.metadata import AUTHORIZE
from smsgw.portal.oidc.parameters import Unreadable, read
from smsgw.portal.page import ACCOUNT, LOG_IN, Access, Page, onward
from smsgw.portal.portal import Portal
from smsgw.portal.short import CodeRow, TransactionRow
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.portal.waiting import ONWARD, Waiting
from smsgw.store import ClientRow

log = logging.getLogger("smsgw.portal")


def nowhere(visit: Visit, why: str) -> Response:
    """The page of who cannot be sent back.

    Args:
        why: for the log.
    """
    log.warning("request of a client refused reason=%s id=%s", why, visit.id)
    lead = ("oidc.lead",)
    return visit.page(
        "error.html", Shown(400), heading="oidc.h1", lead=lead, link=False, id=visit.id
    )


def with_parameters(uri: str, /, **parameters: str | None) -> str:
    """*uri* with these in its query; of None nothing stands there."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    if not query:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def back(visit: Visit, uri: str, **parameters: str | None) -> Response:
    """Send the browser to the client's redirect *uri*; `iss` says by whom (RFC 9207)."""
    issuer = visit.portal.options.public_url
    return visit.to(with_parameters(uri, **parameters, iss=issuer))


async def answer(visit: Visit, waiting: Waiting) -> Response:
    """Send a citizen who is logged in and complete back with a code."""
    portal, (session, citizen) = visit.portal, visit.known
    sub = await portal.ask(portal.citizens.sub, session.account, citizen.mark, visit.now)
    code = tokens.new_secret()
    bound = codes.Bound(
        redirect_uri=waiting.redirect_uri,
        challenge=waiting.challenge,
        nonce=waiting.nonce,
        scopes=" ".join(waiting.scopes),
        sub=sub,
        auth_at=stamp(session.auth_at),
    )
    row = CodeRow(
        key=tokens.digest(code),
        client=waiting.client_id,
        account=session.account,
        sid=session.sid,
        document=bound.to_json(),
        until=visit.now + codes.LIVES,
    )
    await portal.shortly(portal.short.grants.add_code, row)
    log.info("code given account=%d id=%s", session.account, visit.id)
    return back(visit, waiting.redirect_uri, code=code, state=waiting.state)


class Authorize:
    """The authorization endpoint (RFC 6749, section 3.1)."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    async def endpoint(self, request: Request) -> Response:
        visit = Visit(request, self._portal)
        try:
            if request.method == "POST":
                # No SameSite cookie comes with it; with the GET to which it leads, all do.
                sent = read(await form(request))
                return RedirectResponse(with_parameters(AUTHORIZE, **sent), 303)
            sent = read(request.scope["query_string"])
        except (Unreadable, Refused) as fault:
            return nowhere(visit, str(fault))
        find = self._portal.citizens.clients.find
        client = await self._portal.ask(find, sent.get("client_id", ""))
        if client is None or client.revoked_at is not None:
            return nowhere(visit, "there is no such client")
        uri = sent.get("redirect_uri", "")
        if uri not in client.redirect_uris:
            return nowhere(visit, "the client has no such redirect URI")
        try:
            asked = asking.read(client, sent)
            return await self._answer(visit, client, asked)
        except asking.Fault as fault:
            return back(
                visit,
                uri,
                error=fault.error,
                error_description=fault.why,
                state=sent.get("state"),
            )

    async def _answer(self, visit: Visit, client: ClientRow, asked: asking.Asked) -> Response:
        """
        Raises:
            Fault: no page may be shown, and one would have to be.
        """
        await visit.look_up()
        waiting = _waiting(visit, client, asked)
        session, citizen = visit.session, visit.citizen
        fresh = session is not None and waiting.is_fresh(session)
        open_ = citizen is None or citizen.must_change or citizen.must_complete
        if asked.silent and not fresh:
            raise asking.Fault("login_required", "nobody is logged in, or not anew")
        if asked.silent and open_:
            raise asking.Fault("interaction_required", "something is to be changed or completed")
        if fresh and not open_:
            try:
                return await answer(visit, waiting)
            except SecretReplaced:  # since it was looked up
                if asked.silent:
                    raise asking.Fault("login_required", "the session has ended") from None
                fresh = False
        return await self._keep(visit, waiting, fresh=fresh)

    async def _keep(self, visit: Visit, waiting: Waiting, *, fresh: bool) -> Response:
        """Have the request wait until the citizen has done what comes first."""
        portal = self._portal
        visit.token()  # a browser that is new here gets its cookie
        assert visit.browser_digest is not None  # noqa: S101 - it has one now
        session, citizen = (visit.session, visit.citizen) if fresh else (None, None)
        row = TransactionRow(
            browser=visit.browser_digest,
            document=waiting.to_json(),
            sid=session.sid if session else "",
            at=visit.now,
        )
        await portal.shortly(portal.short.grants.wait, row, portal.limits)
        visit.waiting = waiting
        return visit.to(LOG_IN if citizen is None else await onward(visit, citizen))


def _waiting(visit: Visit, client: ClientRow, asked: asking.Asked) -> Waiting:
    since = None if asked.max_age is None else visit.now - asked.max_age
    if asked.anew:
        since = visit.now
    return Waiting(
        client_id=client.client_id,
        title=client.title,
        redirect_uri=asked.redirect_uri,
        scopes=asked.scopes,
        state=asked.state,
        nonce=asked.nonce,
        challenge=asked.challenge,
        since=since,
        hint=asked.hint,
    )


class Onward(Page):
    """Where a request goes on that has waited for its citizen."""

    path = ONWARD
    access = Access.WHOLE
    has_form = False

    async def turn_away(self, visit: Visit) -> Response | None:
        if away := await super().turn_away(visit):
            return away
        session, _ = visit.known
        if visit.waiting is None:
            return visit.to(ACCOUNT)
        return None if visit.waiting.is_fresh(session) else visit.to(LOG_IN)

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        portal, waiting = visit.portal, visit.waiting
        assert waiting is not None  # noqa: S101 - nobody else is let in
        session, _citizen = visit.known
        client = await portal.ask(portal.citizens.clients.find, waiting.client_id)
        if client is None or client.revoked_at is not None:
            await portal.shortly(portal.short.grants.end_waiting, session.browser)
            visit.waiting = None
            return nowhere(visit, "the client was revoked meanwhile")
        found = await answer(visit, waiting)
        await portal.shortly(portal.short.grants.answer_waiting, session.browser, visit.now)
        return found
