"""The interface's description of itself (OpenAPI 3.1), as `/api/v1/openapi.json` serves it.

It is checked against what is answered: tests/portal/test_openapi.py.
"""

from collections.abc import Iterable
from typing import Any

import smsgw
from smsgw.gateway import Scope
from smsgw.portal.api.fields import MOST_ITEMS, USUAL_ITEMS
from smsgw.portal.api.problems import MEDIA_TYPE, PROBLEMS
from smsgw.portal.api.schemas import SCHEMAS, Schema, ref, text

_JSON = "application/json"
_SCOPES = {
    Scope.VERIFY: "ask whether a password opens an account",
    Scope.CHANGE: "change passwords and profiles",
    Scope.READ: "read accounts and the feed of changes",
}
_ID: Schema = {
    "description": "What the operator's log calls this call.",
    "required": True,
    "schema": {"type": "string"},
}
_WAIT: Schema = {
    "description": "Seconds.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
_BEARER: Schema = {
    "description": "RFC 6750.",
    "required": True,
    "schema": {"type": "string", "pattern": "^Bearer"},
}
_ETAG: Schema = {
    "description": "Of this version, for If-Match.",
    "required": True,
    "schema": {"type": "string"},
}
_HEADERS = {
    401: {"WWW-Authenticate": _BEARER},
    429: {"Retry-After": _WAIT},
    503: {"Retry-After": _WAIT},
}
#: What every call with a token may answer.
_ALWAYS = ("bad-request", "unauthorized", "insufficient-scope", "too-slow", "failed")
_ALWAYS_503 = ("busy", "unavailable")
#: What every call with a body may answer.
_BODY = ("malformed-json", "too-long", "unsupported-media-type", "wrong-fields")
_WAITS = ("name-waits", "name-shut", "address-waits")


def document(public_url: str) -> dict[str, Any]:
    """The whole of it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The city's interface to citizens' accounts",
            "version": smsgw.__version__,
            "description": "Tokens come from /oauth2/token by client_credentials. A refusal is a "
            "problem of RFC 9457; its type ends in one of the names given with each status. A list "
            "is gone through by next until more is false.",
        },
        "servers": [{"url": f"{public_url}/api/v1"}],
        "paths": _PATHS,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "client": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{public_url}/oauth2/token",
                            "scopes": {scope.value: told for scope, told in _SCOPES.items()},
                        }
                    },
                }
            },
        },
    }


def _header(name: str, told: str, schema: Schema, *, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": told,
        "schema": {"type": "string", **schema},
    }


def _place() -> list[Schema]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": USUAL_ITEMS}
    return [
        {
            "name": "after",
            "in": "query",
            "description": "A cursor; without it from the beginning.",
            "schema": text(),
        },
        {"name": "limit", "in": "query", "schema": limit},
    ]


def _call(
    summary: str,
    scope: Scope,
    *,
    answer: str,
    problems: Iterable[str],
    body: tuple[list[str], str] | None = None,
    parameters: Iterable[Schema] = (),
    etag: bool = False,
) -> Schema:
    names = [*_ALWAYS, *_ALWAYS_503, *problems, *(_BODY if body else ())]
    headers = {"X-Request-Id": _ID} | ({"ETag": _ETAG} if etag else {})
    good = {
        "description": "Done",
        "headers": headers,
        "content": {_JSON: {"schema": ref(answer)}},
    }
    found: Schema = {
        "summary": summary,
        "security": [{"client": [scope.value]}],
        "parameters": list(parameters),
        "responses": {"200": good} | _refusals(names),
    }
    if body:
        kinds, schema = body
        content = {kind: {"schema": ref(schema)} for kind in kinds}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _refusals(names: Iterable[str]) -> Schema:
    """Each status of these problems, with their names."""
    by_status: dict[int, list[str]] = {}
    for name in names:
        by_status.setdefault(PROBLEMS[name].status, []).append(name)
    return {
        str(status): {
            "description": " · ".join(sorted(told)),
            "headers": {"X-Request-Id": _ID} | _HEADERS.get(status, {}),
            "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
        }
        for status, told in sorted(by_status.items())
    }


_KEY = _header("Idempotency-Key", "One for each change: for 24 h the same answer to the same "
              "body.", {"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"})  # fmt: skip
_IF_MATCH = _header("If-Match", "The ETag that was read.", {"minLength": 1}, required=True)
_SUB = {"name": "sub", "in": "path", "required": True, "schema": text(minLength=1)}
_PATHS: Schema = {
    "/password/verify": {
        "post": _call(
            "Whether a password opens an account",
            Scope.VERIFY,
            answer="Verified",
            body=([_JSON], "Verify"),
            problems=_WAITS,
        )
    },
    "/password/change": {
        "post": _call(
            "Put an own password in the place of the one that is proved",
            Scope.CHANGE,
            answer="Changed",
            body=([_JSON], "Change"),
            problems=(
                *_WAITS,
                *("wrong-password", "password-moved", "password-refused"),
                *("bad-idempotency-key", "idempotency-key-reused"),
            ),
            parameters=[_KEY],
        )
    },
    "/accounts": {
        "get": _call(
            "A first copy: accounts in the order in which they first became active. Ask "
            "/changes first: this list's next is no place in the feed",
            Scope.READ,
            answer="Accounts",
            problems=("wrong-parameters", "unknown-cursor"),
            parameters=_place(),
        )
    },
    "/accounts/{sub}": {
        "parameters": [_SUB],
        "get": _call(
            "One account",
            Scope.READ,
            answer="Account",
            etag=True,
            problems=("no-such-account",),
        ),
        "patch": _call(
            "Change a profile, merged as RFC 7396 says",
            Scope.CHANGE,
            answer="Account",
            etag=True,
            body=(["application/merge-patch+json", _JSON], "AccountPatch"),
            problems=("no-such-account", "no-profile", "other-version", "if-match-required"),
            parameters=[_IF_MATCH],
        ),
    },
    "/changes": {
        "get": _call(
            "What happened to accounts since a place in the feed",
            Scope.READ,
            answer="Changes",
            problems=("wrong-parameters", "unknown-cursor", "cursor-too-old"),
            parameters=_place(),
        )
    },
    "/openapi.json": {
        "get": {
            "summary": "This description",
            "responses": {
                "200": {
                    "description": "It",
                    "headers": {"X-Request-Id": _ID},
                    "content": {_JSON: {"schema": {"type": "object"}}},
                }
            }
            | _refusals(("bad-request", "too-slow", "busy", "failed")),
        }
    },
}
