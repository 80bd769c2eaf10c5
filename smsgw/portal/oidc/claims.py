"""What a client is told of a citizen, by scope. Pure.

The national claims are those of the national portal's single sign-on, as OpenCPS reads them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from smsgw.gateway import Portrait, Scope
from smsgw.store import ClientRow

Claims = dict[str, Any]

#: How sure it is who logged in: by a password, of which a text said the first.
ACR, AMR = "LoA1", ("pwd",)

_CITIZEN = "1"  # an account of a person, not of a company
_COUNTRY_CODE = "+84"
_NATIONAL_GENDER = {"male": "1", "female": "2"}

#: All that there may be, for the discovery document.
NAMES = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
    *("name", "family_name", "middle_name", "given_name", "birthdate", "gender"),
    *("preferred_username", "updated_at", "locale", "phone_number", "phone_number_verified"),
    *("address", "email", "email_verified", "cmnd"),
    *("TechID", "LoaiTaiKhoan", "HoVaTen", "SoCMND", "SoDinhDanh", "NgayThangNamSinh"),
    *("GioiTinh", "SoDienThoai", "DiaChi"),
)


def claims(portrait: Portrait, scopes: Collection[str], client: ClientRow) -> Claims:
    """What goes to *client*; the account's data are confirmed."""
    assert portrait.profile is not None  # noqa: S101 - confirmed data are there
    told = portrait.profile
    found: Claims = {"sub": portrait.sub}
    if Scope.PROFILE in scopes:
        found |= _profile(told) | {"updated_at": int(portrait.updated_at.timestamp())}
    if Scope.PHONE in scopes:
        found |= {"phone_number": told["phone"], "phone_number_verified": True}
    if Scope.ADDRESS in scopes:
        found |= {"address": _address(told["home"])}
    if Scope.EMAIL in scopes and client.synthetic_email:
        # Never the one that the citizen has told: nobody has proved that it is theirs.
        email = f"{portrait.sub}@{client.synthetic_email}"
        found |= {"email": email, "email_verified": False}
    if Scope.CITIZEN_ID in scopes:
        found |= {"cmnd": told["cmnd"]}
        if client.national_claims:
            found |= _national(portrait.sub, told)
    return found


def _profile(told: Mapping[str, Any]) -> Claims:
    first, *between = told["full_name"].split()
    last = between.pop() if between else None
    names = {"family_name": first, "middle_name": " ".join(between), "given_name": last}
    return {
        "name": told["full_name"],
        **{name: value for name, value in names.items() if value},
        "birthdate": told["birth_date"],
        "gender": told["gender"],
        "preferred_username": told["cmnd"],
        "locale": "vi-VN",
    }


def _address(home: Mapping[str, str]) -> Claims:
    return {
        "street_address": home["street"],
        "locality": home["ward"],
        "region": home["province"],
        "country": "VN",
        "formatted": _formatted(home),
    }


def _formatted(home: Mapping[str, str]) -> str:
    return ", ".join((home["street"], home["ward"], home["province"]))


def _national(sub: str, told: Mapping[str, Any]) -> Claims:
    number = told["cmnd"]
    return {
        "TechID": sub,
        "LoaiTaiKhoan": _CITIZEN,
        "HoVaTen": told["full_name"],
        "SoCMND" if len(number) == 9 else "SoDinhDanh": number,
        "NgayThangNamSinh": told["birth_date"].replace("-", ""),
        "GioiTinh": _NATIONAL_GENDER[told["gender"]],
        "SoDienThoai": _national_phone(told["phone"]),
        "DiaChi": _formatted(told["home"]),
    }


def _national_phone(e164: str) -> str:
    """As it is dialled here; one from abroad stays as it is."""
    return f"0{e164.removeprefix(_COUNTRY_CODE)}" if e164.startswith(_COUNTRY_CODE) else e164
