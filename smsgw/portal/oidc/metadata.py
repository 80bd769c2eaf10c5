"""`/.well-known/openid-configuration`: what a client finds here. Pure.

Source: OpenID Connect Discovery 1.0, section 3; RFC 8414; RFC 9207.
"""

from smsgw.gateway import Scope
from smsgw.portal.oidc.claims import ACR, NAMES
from smsgw.portal.oidc.signing import ALGORITHM

DISCOVERY = "/.well-known/openid-configuration"
AUTHORIZE = "/oauth2/authorize"
TOKEN = "/oauth2/token"  # noqa: S105 - an address
USERINFO = "/oauth2/userinfo"
JWKS = "/oauth2/jwks"
REVOKE = "/oauth2/revoke"
INTROSPECT = "/oauth2/introspect"
LOG_OUT = "/oidc/logout"

_SECRETS = ["client_secret_basic", "client_secret_post"]


def metadata(issuer: str) -> dict[str, object]:
    """The document of the portal at *issuer*."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "jwks_uri": issuer + JWKS,
        "revocation_endpoint": issuer + REVOKE,
        "introspection_endpoint": issuer + INTROSPECT,
        "end_session_endpoint": issuer + LOG_OUT,
        "scopes_supported": list(Scope),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": _SECRETS,
        "revocation_endpoint_auth_methods_supported": _SECRETS,
        "introspection_endpoint_auth_methods_supported": _SECRETS,
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [ACR],
        "prompt_values_supported": ["none", "login"],
        "claims_supported": list(NAMES),
        "ui_locales_supported": ["vi-VN"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }
