"""Pages out of templates: jinja2, with everything that a citizen typed escaped.

Knows templates, texts and the stylesheet. Knows no request, no session and no account.
"""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from smsgw.portal.headers import completed, content_security_policy
from smsgw.portal.texts import Words

_HERE = Path(__file__).parent
#: status -> (heading, sentences, whether it leads to the log-in)
_ERRORS = {
    400: ("fault.h1", ("fault.lead",), False),
    404: ("missing.h1", ("missing.lead",), True),
    405: ("missing.h1", ("missing.lead",), True),
    408: ("fault.h1", ("slow",), False),
    413: ("fault.h1", ("long",), False),
    500: ("fault.h1", ("fault.lead",), False),
    503: ("away.h1", ("fault.lead",), False),
}


class FieldFault(NamedTuple):
    """Something is wrong with a field: shown at it, and in the summary above."""

    field: str
    text: str


class Pages:
    """Makes answers of templates."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.stylesheet = (_HERE / "static" / "portal.css").read_bytes()
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._environment.globals.update(
            t=words,
            css=f"/static/portal.css?v={sha256(self.stylesheet).hexdigest()[:12]}",
        )

        for name in self._environment.list_templates():
            self._environment.get_template(name)  # read and compiled once, at start

    def page(
        self,
        template: str,
        status: int = 200,
        *,
        faults: Sequence[FieldFault] = (),
        notice: str | None = None,
        onward: Sequence[str] = (),
        closes: str | None = None,
        **values: object,
    ) -> HTMLResponse:
        """One page.

        Args:
            faults: what is wrong with what was typed.
            notice: one sentence above everything else.
            onward: origins to which the page's form may lead in the end.
            closes: after which time without use the session of this page ends; None: it has none.
        """
        by_field: dict[str, str] = defaultdict(str)
        for fault in faults:
            by_field.setdefault(fault.field, fault.text)
        body = self._environment.get_template(template).render(
            faults=faults, fault_of=by_field, notice=notice, closes=closes, **values
        )
        headers = {"content-security-policy": content_security_policy(*onward)}
        return HTMLResponse(body, status, headers)

    def error(self, status: int, id_: str) -> Response:
        """The page of a status."""
        heading, lead, leads_on = _ERRORS.get(status, _ERRORS[500])
        return self.page("error.html", status, heading=heading, lead=lead, id=id_, link=leads_on)

    def bare_error(self, status: int, id_: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The same for who has no request: headers and body."""
        page = self.error(status, id_)
        raw = [pair for pair in page.raw_headers if pair[0] != b"content-length"]
        return completed(raw), bytes(page.body)
