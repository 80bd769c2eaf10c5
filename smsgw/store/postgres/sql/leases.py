"""Which node has which link: statements on `leases`, each a transaction of its own.

No time stands there, and none of the server is asked: who watches knows by its own clock how long
a row has stood still.
"""

ADD = """
    INSERT INTO leases (name) SELECT unnest(:names::text[]) ON CONFLICT (name) DO NOTHING
"""

LOOK = """
    SELECT name, owner, token, renewals, wanted FROM leases
     WHERE name = ANY (:names::text[]) ORDER BY name
"""

BEATS = "SELECT name, beats FROM nodes WHERE ended = 0"

TAKE = """
    -- Only as it was seen: who was quicker has it.
    UPDATE leases
       SET owner = :node, token = token + 1, renewals = renewals + 1, wanted = NULL
     WHERE name = :name AND token = :token AND renewals = :renewals
       AND owner IS NOT DISTINCT FROM :owner::text
 RETURNING token
"""

RENEW = """
    UPDATE leases SET renewals = renewals + 1
      FROM unnest(:names::text[], :tokens::bigint[]) AS k (name, token)
     WHERE leases.name = k.name AND leases.token = k.token AND owner = :node
 RETURNING leases.name
"""

RELEASE = """
    -- Who wants it is still to be seen.
    UPDATE leases SET owner = NULL, renewals = renewals + 1
     WHERE name = :name AND token = :token AND owner = :node
"""

FORGET_WISH = """
    -- The node that was to have it is gone.
    UPDATE leases SET wanted = NULL WHERE name = :name AND owner = :node AND wanted = :wanted
"""

NEWS = """
    -- With the turn to write, what another node may have changed: what of ours nobody has taken
    -- since; whether any receipt waits for its text, for who remembers that none does; and which
    -- data keys there are.
    SELECT name, token FROM leases WHERE owner = :node
     UNION ALL
    SELECT '#early', 1 WHERE EXISTS (SELECT 1 FROM early_receipts)
     UNION ALL
    SELECT '#keys', coalesce(sum(hashtext(encode(id, 'hex'))), 0)::bigint FROM data_keys
"""

END_LEASES_OF = """
    -- The link has come from another node, and nothing of it is in anybody's memory any more.
    UPDATE outbox SET leased = 0, due_at = :now
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND link = :link
"""

END_LEASES_BUT = """
    -- As END_LEASES of the outbox.
    UPDATE outbox SET leased = (due_at > :now)::int, due_at = least(due_at, :ends)
     WHERE id > 0 AND state = 'queued' AND leased = 1 AND (due_at <= :now OR due_at > :latest)
       AND link <> ALL (:others::text[])
 RETURNING link, leased
"""

TAKEN_BY_OTHERS = "SELECT name FROM leases WHERE owner <> :node"

ARE_ALIKE = """
    -- Those that the server has heard of lately.
    SELECT count(DISTINCT configuration) < 2 FROM nodes
     WHERE ended = 0
       AND beat_at > (extract(epoch FROM clock_timestamp()) - 15) * 1000000
"""
