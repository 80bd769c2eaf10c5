"""`/oidc/logout`: a client ends the session from which it got its id_token.

Source: OpenID Connect RP-Initiated Logout 1.0.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsgw.portal import forms
from smsgw.portal.oidc.answers import Refused, form
from smsgw.portal.oidc.authorize import nowhere, with_parameters
from smsgw.portal.oidc.metadata import LOG_OUT
from smsgw.portal.oidc.parameters import Unreadable, read
from smsgw.portal.oidc.signing import Signing
from smsgw.portal.page import Access
from smsgw.portal.pages.log_in import LogOut
from smsgw.portal.portal import Portal
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.portal.waiting import origin

#: What the page that asks hands on, to be judged again.
_KEPT = ("client_id", "post_logout_redirect_uri", "state")


class ClientLogOut(LogOut):
    """Ends a session by a good hint of it; without one it asks."""

    path = LOG_OUT
    access = Access.SESSION

    def __init__(self, signing: Signing) -> None:
        self._signing = signing

    def route(self, portal: Portal) -> Route:
        async def endpoint(request: Request) -> Response:
            visit = Visit(request, portal)
            try:
                if request.method == "GET":
                    return await self._come(visit, read(request.scope["query_string"]))
                sent = read(await form(request))
            except (Unreadable, Refused) as fault:
                return nowhere(visit, str(fault))
            if forms.TOKEN in sent:  # the page that asks
                return await self._take(visit)
            # No SameSite cookie comes with it; with the GET to which it leads, all do.
            return RedirectResponse(with_parameters(LOG_OUT, **sent), 303)

        return Route(self.path, endpoint, methods=["GET", "POST"])

    async def _come(self, visit: Visit, sent: Mapping[str, str]) -> Response:
        hint = self._signing.read(sent["id_token_hint"]) if "id_token_hint" in sent else None
        visit.typed = {name: sent[name] for name in _KEPT if name in sent}
        if hint is not None:
            named = visit.typed.setdefault("client_id", str(hint["aud"]))
            if named != hint["aud"]:
                return nowhere(visit, "the id_token is another client's")
        await visit.look_up()
        if visit.session is None:
            if hint is not None:  # a client that asks by itself, not through a browser
                await visit.portal.shortly(visit.portal.short.end_by_sid, hint["sid"])
            return await self._leave(visit)
        if hint is not None and hint["sid"] == visit.session.sid:
            return await self.act(visit)
        return await self.show(visit)

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        values: dict[str, Any] = {"path": LOG_OUT, "kept": self._kept(visit)}
        uri = await self._way_back(visit)
        if uri is not None and (source := origin(uri)) is not None:
            values["onward"] = (source,)
        return visit.page("dang-xuat.html", how, **values)

    async def turn_away(self, visit: Visit) -> Response | None:
        return await self._leave(visit) if visit.session is None else None

    async def act(self, visit: Visit) -> Response:
        session, _ = visit.known
        await self.end(visit, session)
        return await self._leave(visit)

    async def _leave(self, visit: Visit) -> Response:
        """Nobody is logged in any more: back to the client, or to our own page."""
        uri = await self._way_back(visit)
        if uri is None:
            return visit.to(self.DONE)
        return visit.to(with_parameters(uri, state=visit.typed.get("state")))

    async def _way_back(self, visit: Visit) -> str | None:
        """Where the client wants its citizen, if it may."""
        uri = visit.typed.get("post_logout_redirect_uri")
        if uri is None:
            return None
        find = visit.portal.citizens.clients.find
        client = await visit.portal.ask(find, visit.typed.get("client_id", ""))
        if client is None or client.revoked_at is not None or uri not in client.post_logout_uris:
            return None
        return uri

    def _kept(self, visit: Visit) -> dict[str, str]:
        return {name: visit.typed[name] for name in _KEPT if name in visit.typed}
