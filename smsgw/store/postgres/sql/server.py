"""What only PostgreSQL is asked: whose turn it is, what became of a batch, settings, migrations."""

# --- one writer at a time --------------------------------------------------------------------

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"

LOCK = """
    -- The turn to write, until the end of the transaction. What is read after it is what the one
    -- before has committed.
    SELECT pg_advisory_xact_lock(1936549735)
"""

SET_LAST_IDS = """
    UPDATE last_ids SET subscribers = ?, accounts = ?, messages = ? WHERE id = 1
"""

END_STUCK_WRITER = """
    -- Who has the turn and is stopped among its statements is active for the server, which then
    -- waits for ever; between two transactions its own time-out ends it.
    SELECT pg_terminate_backend(a.pid)
      FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objid = 1936549735 AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - interval '2 s'
"""

# --- nodes, and what became of their batches ------------------------------------------------------

END_OLD_SESSION = """
    -- The server may not know yet that it is gone, and let it keep the turn.
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = :application AND pid <> pg_backend_pid()
       AND usename = current_user AND datname = current_database()
"""

GET_NODE = """
    SELECT number, process, place, pid, ended, beats, batch FROM nodes WHERE name = :node
"""

FORGET_NODES = """
    -- Those that nobody has started for a month; their numbers are free again.
    DELETE FROM nodes
     WHERE name <> :node AND beat_at < (extract(epoch FROM clock_timestamp()) - 2592000) * 1000000
"""

ADD_NODE = """
    -- With the smallest number that is free.
    INSERT INTO nodes (name, number, process, place, pid, batch, beat_at)
    SELECT :node, n, :process, :place, :pid, 0,
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
      FROM generate_series(1, (SELECT count(*) + 1 FROM nodes)) AS n
     WHERE n NOT IN (SELECT number FROM nodes)
     ORDER BY n LIMIT 1
 RETURNING number
"""

TAKE_NODE = """
    UPDATE nodes
       SET process = :process, place = :place, pid = :pid, batch = 0, ended = 0,
           beats = beats + 1, beat_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
     WHERE name = :node
 RETURNING number
"""

SET_CONFIGURATION = "UPDATE nodes SET configuration = :configuration WHERE name = :node"

LAST_BATCH = "SELECT batch FROM nodes WHERE name = :node AND process = :process"

SET_BATCH = """
    -- Fails, and all of the transaction, where another process has become this node.
    WITH own AS (UPDATE nodes SET batch = :batch WHERE name = :node AND process = :process
              RETURNING 1)
    SELECT 1 / (SELECT count(*) FROM own)
"""

OWNERS = "SELECT name, owner FROM leases WHERE owner IS NOT NULL AND name NOT LIKE ':%'"

WANT = """
    -- Whoever has it lets it go, and nobody else takes it meanwhile.
    UPDATE leases SET wanted = :node WHERE name = :link
"""

STANDBY = """
    -- Without that role the server tells of no standby what it does.
    SELECT current_setting('synchronous_standby_names'),
           pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
           (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
"""

# --- settings ----------------------------------------------------------------------------------

SET = """
    SELECT set_config(name, value, false)
      FROM unnest(:names::text[], :values::text[]) AS s (name, value)
"""

GET = """
    SELECT name, setting FROM pg_settings WHERE name = ANY (:names::text[])
"""

CLUSTER = "SELECT system_identifier FROM pg_control_system()"

SET_PATIENCE = "SELECT set_config('lock_timeout', :patience::text, false)"

# --- whose database it is, and of which version ---------------------------------------------------

FIND_OURS = "SELECT to_regclass('smsgw_migrations') IS NOT NULL"

COUNT_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"

LOCK_MIGRATIONS = "SELECT pg_advisory_xact_lock(1936549737)"

MAKE_MIGRATIONS = """
    CREATE TABLE smsgw_migrations (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL)
"""

LIST_MIGRATIONS = "SELECT name FROM smsgw_migrations ORDER BY name"

ADD_MIGRATION = "INSERT INTO smsgw_migrations (name, applied_at) VALUES ($1, clock_timestamp())"
