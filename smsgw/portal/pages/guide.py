"""What everybody may read: `/quen-mat-khau`, `/tro-giup`, `/chinh-sach`. They take nothing."""

from typing import Any

from starlette.responses import Response

from smsgw.portal.page import Access, Page
from smsgw.portal.visit import PLAIN, Shown, Visit
from smsgw.registration.machine import Repeat


class _Read(Page):
    access = Access.ANYBODY
    has_form = False
    template: str

    async def show(self, visit: Visit, how: Shown = PLAIN) -> Response:
        by_text = visit.portal.settings.registration.repeat is Repeat.RESET
        return visit.page(
            self.template,
            how,
            by_text=by_text,
            token="",
            shortcode=visit.portal.settings.gateway.shortcode,
            **await self.values(visit),
        )

    async def values(self, visit: Visit) -> dict[str, Any]:
        return {}


class Forgotten(_Read):
    path = "/quen-mat-khau"
    template = "quen-mat-khau.html"


class Help(_Read):
    path = "/tro-giup"
    template = "tro-giup.html"


class Policy(_Read):
    path = "/chinh-sach"
    template = "chinh-sach.html"

    async def values(self, visit: Visit) -> dict[str, Any]:
        portal = visit.portal
        known = await portal.ask(portal.citizens.clients.all)
        return {"clients": [each.title or each.name for each in known if not each.revoked_at]}
