"""Clients and their secrets."""
# ruff: noqa: S105  (a statement is no secret)

_CLIENT = """
    SELECT id, name, client_id, title, redirect_uris, post_logout_uris, scopes, pkce,
           national_claims, synthetic_email, created_at, revoked_at
"""

LIST_CLIENTS = _CLIENT + "      FROM clients WHERE name > :name ORDER BY name\n"

CLIENT_BY_NAME = _CLIENT + "      FROM clients WHERE name = :name\n"

CLIENT_BY_CLIENT_ID = _CLIENT + "      FROM clients WHERE client_id = :client_id\n"

ADD_CLIENT = """
    INSERT INTO clients (name, client_id, title, redirect_uris, post_logout_uris, scopes, pkce,
                         national_claims, synthetic_email, created_at)
    VALUES (:name, :client_id, :title, :redirect_uris, :post_logout_uris, :scopes, :pkce,
            :national_claims, :synthetic_email, :at)
 RETURNING id
"""

REVOKE_CLIENT = "UPDATE clients SET revoked_at = :at WHERE id = :client AND revoked_at IS NULL"

SECRETS = """
    -- The latest first.
    SELECT digest FROM client_secrets WHERE client = :client ORDER BY number DESC
"""

ADD_SECRET = """
    INSERT INTO client_secrets (client, number, digest, created_at)
    VALUES (:client,
            (SELECT coalesce(max(number), 0) + 1 FROM client_secrets WHERE client = :client),
            :digest, :at)
"""

FORGET_OLDER_SECRETS = "DELETE FROM client_secrets WHERE client = :client AND digest <> :kept"

FORGET_SECRETS = "DELETE FROM client_secrets WHERE client = :client"
