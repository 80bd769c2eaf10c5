"""The city's interface, `/api/v1`: what programs ask with a token, in JSON.

    app          which call stands where, who may call
    strict_json  what is read as a document (pure)      fields    what a call must hold (pure)
    passwords    verify, change                         accounts  by `sub`, lists, the feed
    problems     every refusal, in one table            openapi, schemas  the description of it all

An answer never repeats what was sent, not even the name of a field: who mistypes may have put a
password there.
"""

from smsgw.portal.api.app import PREFIX, is_below, make, of_guard, problem_page

__all__ = ["PREFIX", "is_below", "make", "of_guard", "problem_page"]
