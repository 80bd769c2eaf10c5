"""Accounts by `sub`, a first copy of all, the feed of changes.

Whose profile went to which client is written down, once a day.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from starlette.responses import JSONResponse, Response

from smsgw import records
from smsgw.errors import CursorTooOld, NoProfile, NoSubject, NoSuchCursor, NotTheVersion
from smsgw.gateway import Change, Page, Portrait, Scope
from smsgw.portal.api import fields
from smsgw.portal.api.call import JSON, MERGE_PATCH, Call
from smsgw.portal.api.problems import Problem
from smsgw.registration.merge_patch import PatchFault

log = logging.getLogger("smsgw.portal")

T = TypeVar("T")


async def show(call: Call) -> Response:
    """One account."""
    found = await call.portal.ask(_show, call, call.sub)
    if found is None:
        raise Problem("no-such-account")
    return _account(found)


def _show(call: Call, sub: str) -> Portrait | None:
    found = call.portal.citizens.interface.by_sub(sub)
    if found is not None:
        _disclose(call, [found], Scope.READ)
    return found


async def patch(call: Call) -> Response:
    """Change a profile, if it is still the one that the client read."""
    if_match = call.header("if-match")
    if not if_match:
        raise Problem("if-match-required")
    change = fields.profile_patch(await call.document(JSON, MERGE_PATCH))
    try:
        found = await call.portal.ask(_patch, call, fields.versions(if_match), change)
    except NoSubject:
        raise Problem("no-such-account") from None
    except NoProfile:
        raise Problem("no-profile") from None
    except NotTheVersion:
        raise Problem("other-version") from None
    if not isinstance(found, Portrait):
        raise fields.wrong_fields(found)
    log.info("interface call=patch client=%s id=%s", call.client, call.id)
    return _account(found)


def _patch(call: Call, versions: list[str], change: object) -> Portrait | tuple[PatchFault, ...]:
    """In the thread of the database."""
    interface = call.portal.citizens.interface
    before = interface.by_sub(call.sub)
    # Which of several versions it is; that it still is, the change itself sees to.
    known = "" if before is None else before.version
    version = next((one for one in versions if one in ("*", known)), "")
    found = interface.patch_profile(call.sub, version, change, call.client, call.now)
    if isinstance(found, Portrait):
        _disclose(call, [found], Scope.CHANGE)
    return found


async def first_copy(call: Call) -> Response:
    """Accounts that are active, with what their citizens confirmed."""
    place = call.place

    def read() -> Page[Portrait]:
        page = call.portal.citizens.interface.active_accounts(place.after, place.limit)
        _disclose(call, page.items, Scope.READ)
        return page

    return _page("accounts", await _listed(call, read), Portrait.record)


async def changes(call: Call) -> Response:
    """What happened to accounts since a place in the feed."""
    place = call.place

    def read() -> Page[Change]:
        return call.portal.citizens.interface.changes(place.after, place.limit)

    return _page("changes", await _listed(call, read), _change)


def _change(line: Change) -> dict[str, object]:
    row = line.row
    return {
        "cursor": line.cursor,
        "at": records.plain(row.at),
        "sub": row.sub,
        "type": row.type.value,
    }


async def _listed(call: Call, read: Callable[[], Page[T]]) -> Page[T]:
    try:
        return await call.portal.ask(read)
    except NoSuchCursor:
        raise Problem("unknown-cursor") from None
    except CursorTooOld:
        raise Problem("cursor-too-old") from None


def _page(name: str, page: Page[T], record: Callable[[T], dict[str, object]]) -> Response:
    items = [record(item) for item in page.items]
    return JSONResponse({name: items, "next": page.next, "more": page.more})


def _account(found: Portrait) -> Response:
    record: dict[str, Any] = found.record()
    return JSONResponse(record, headers={"etag": f'"{found.version}"'})


def _disclose(call: Call, found: Iterable[Portrait], scope: Scope) -> None:
    told = [each.account for each in found if each.profile is not None]
    call.portal.citizens.disclosed(told, call.client, [scope.value], call.now)
