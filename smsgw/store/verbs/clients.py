"""Programs that citizens come from, or that ask for themselves."""

import json
from datetime import datetime
from typing import Any

from smsgw.clock import stamp, unstamp
from smsgw.store.rows import storable
from smsgw.store.values import ClientRow
from smsgw.store.verbs.engine import Engine, moment
from smsgw.store.verbs.names import Names

sql = Names("clients")


class Clients(Engine):
    """Clients and the digests of their secrets."""

    def clients(self) -> list[ClientRow]:
        return [self._client(row) for row in self._all(sql.LIST_CLIENTS, name="")]

    def client_named(self, name: str) -> ClientRow | None:
        row = self._one(sql.CLIENT_BY_NAME, name=name)
        return None if row is None else self._client(row)

    def client(self, client_id: str) -> ClientRow | None:
        row = self._one(sql.CLIENT_BY_CLIENT_ID, client_id=client_id)
        return None if row is None else self._client(row)

    def add_client(self, client: ClientRow) -> None:
        created = stamp(client.created_at)
        added: int = self._one(
            sql.ADD_CLIENT,
            name=client.name,
            client_id=client.client_id,
            title=storable(client.title),
            redirect_uris=json.dumps(client.redirect_uris),
            post_logout_uris=json.dumps(client.post_logout_uris),
            scopes=" ".join(client.scopes),
            pkce=client.pkce,
            national_claims=int(client.national_claims),
            synthetic_email=client.synthetic_email,
            at=created,
        )[0]
        for digest in client.digests:
            self._run(sql.ADD_SECRET, client=added, digest=digest, at=created)

    def add_client_secret(self, client: int, digest: bytes, now: datetime) -> None:
        self._run(sql.ADD_SECRET, client=client, digest=digest, at=stamp(now))

    def keep_client_secret(self, client: int, digest: bytes) -> None:
        self._run(sql.FORGET_OLDER_SECRETS, client=client, kept=digest)

    def revoke_client(self, client: int, now: datetime) -> None:
        self._run(sql.REVOKE_CLIENT, client=client, at=stamp(now))
        self._run(sql.FORGET_SECRETS, client=client)

    def _client(self, row: Any) -> ClientRow:
        id_, name, client_id, title, redirects, post_logout, scopes, pkce, *rest = row
        national, synthetic, created, revoked = rest
        digests = self._all(sql.SECRETS, client=id_)
        return ClientRow(
            id_,
            name,
            client_id,
            title,
            tuple(json.loads(redirects)),
            tuple(json.loads(post_logout)),
            tuple(scopes.split()),
            pkce,
            bool(national),
            synthetic,
            unstamp(created),
            moment(revoked),
            tuple(bytes(digest) for (digest,) in digests),
        )
