"""What the documents of the interface look like: JSON Schema (2020-12). Pure data."""

from collections.abc import Mapping
from typing import Any

from smsgw.model import AccountState, Feed
from smsgw.registration.fields import Reason
from smsgw.registration.own_password import Reason as PasswordReason
from smsgw.registration.profile import Gender

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": description} if description else {}), **more}


def thing(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _page(name: str, item: str) -> Schema:
    return thing(
        {
            name: {"type": "array", "items": ref(item)},
            "next": text("Where to go on: the next call's after."),
            "more": {"type": "boolean", "description": "There is more by now."},
        }
    )


_USERNAME = text("CMND or CCCD of the citizen: 9 or 12 digits.", examples=["201234567"])
_ADDRESS_OF_CITIZEN = text(
    "The citizen's IP address, as the caller sees it. Without it only the user name's wrong "
    "passwords count.",
    anyOf=[{"format": "ipv4"}, {"format": "ipv6"}],
    examples=["203.0.113.7"],
)
_STATE: Schema = {"type": "string", "enum": [state.value for state in AccountState]}
_DATE = text(format="date")
_LINE = text(minLength=1, maxLength=200)
_MOMENT = text(format="date-time")
_MUST_CHANGE: Schema = {
    "type": "boolean",
    "description": "An issued password is still to be changed for an own one.",
}
_MUST_COMPLETE: Schema = {
    "type": "boolean",
    "description": "Data are still to be completed or confirmed.",
}

SCHEMAS: Mapping[str, Schema] = {
    "Verify": thing(
        {"username": _USERNAME, "password": text(), "address": _ADDRESS_OF_CITIZEN}, "address"
    ),
    "Verified": {
        "oneOf": [
            thing(
                {
                    "valid": {"const": True},
                    "must_change": _MUST_CHANGE,
                    "must_complete": _MUST_COMPLETE,
                    "sub": text("The account, for all other calls."),
                }
            ),
            thing({"valid": {"const": False}}),
        ]
    },
    "Change": thing(
        {
            "username": _USERNAME,
            "password": text("The one of now, issued or own."),
            "new_password": text("Taken as it is, in NFKC."),
            "address": _ADDRESS_OF_CITIZEN,
        },
        "address",
    ),
    "Changed": thing({"state": {"const": AccountState.ACTIVE.value}}),
    "Address": thing(
        {
            "province": text(examples=["Thành phố Đà Nẵng"]),
            "province_code": text(examples=["48"]),
            "ward": text(),
            "ward_code": text(),
            "street": text(),
        }
    ),
    "Profile": thing(
        {
            "full_name": text(),
            "gender": {"type": "string", "enum": [gender.value for gender in Gender]},
            "birth_date": _DATE,
            "cmnd": text(),
            "phone": text("E.164"),
            "id_issued_on": _DATE,
            "id_issued_by": text(),
            "home": ref("Address"),
            "living": ref("Address"),
            "email": or_null(text()),
        }
    ),
    "Account": thing(
        {
            "sub": text(),
            "state": _STATE,
            "must_change": _MUST_CHANGE,
            "must_complete": _MUST_COMPLETE,
            "updated_at": _MOMENT,
            "profile": ref("Profile"),
        },
        "profile",
    ),
    "AddressPatch": thing(
        {
            "province_code": text(),
            "ward_code": text(),
            "street": _LINE,
            "province": text("May stand as it was read: the code tells it."),
            "ward": text("May stand as it was read: the code tells it."),
        },
        *("province_code", "ward_code", "street", "province", "ward"),
    ),
    "ProfilePatch": thing(
        {
            "full_name": text(
                "With diacritics; without them it is the texted name.", minLength=1, maxLength=100
            ),
            "gender": {"type": "string", "enum": [gender.value for gender in Gender]},
            "id_issued_on": _DATE,
            "id_issued_by": _LINE,
            "home": ref("AddressPatch"),
            "living": or_null(ref("AddressPatch")),
            "email": or_null(text(format="email")),
            **{name: text("May stand as it was read.") for name in ("birth_date", "cmnd", "phone")},
        },
        *("full_name", "gender", "id_issued_on", "id_issued_by", "home", "living", "email"),
        *("birth_date", "cmnd", "phone"),
    ),
    "AccountPatch": thing({"profile": ref("ProfilePatch")}),
    "Accounts": _page("accounts", "Account"),
    "FeedLine": thing(
        {
            "cursor": text("The place behind this line."),
            "at": _MOMENT,
            "sub": text(),
            "type": {"type": "string", "enum": [kind.value for kind in Feed]},
        }
    ),
    "Changes": _page("changes", "FeedLine"),
    "Problem": {
        "type": "object",
        "properties": {
            "type": text(format="uri"),
            "title": text(),
            "status": {"type": "integer"},
            "detail": text(),
            "reason": {
                "type": "string",
                "enum": [reason.value for reason in PasswordReason],
                "description": "Of password-refused: the first that holds, in this order.",
            },
            "errors": {
                "type": "array",
                "items": thing(
                    {
                        "pointer": text("JSON pointer (RFC 6901)."),
                        "reason": {"type": "string", "enum": [reason.value for reason in Reason]},
                        "detail": text(),
                    }
                ),
            },
        },
        "required": ["type", "title", "status", "detail"],
    },
}
