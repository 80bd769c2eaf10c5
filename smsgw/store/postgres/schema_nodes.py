"""The tables of several machines on one server: which there are, and which has what."""

NODES = (
    "DROP TABLE heartbeats",  # is of a file; here the node's own row has it
    "DROP TABLE nodes",
    """
    CREATE TABLE nodes (
        name          TEXT PRIMARY KEY,
        number        BIGINT NOT NULL UNIQUE,  -- small, from 1
        process       TEXT   NOT NULL,         -- who runs it; another one has taken it over
        place         TEXT   NOT NULL,         -- where that one's pid means something
        batch         BIGINT NOT NULL,         -- the number of its last transaction
        beats         BIGINT NOT NULL DEFAULT 0,  -- whoever sees it grow knows that it lives
        beat_at       BIGINT NOT NULL,         -- by the clock of the server
        pid           BIGINT NOT NULL,
        version       TEXT   NOT NULL DEFAULT '',
        configuration TEXT   NOT NULL DEFAULT '',
        started_at    BIGINT NOT NULL DEFAULT 0,
        at            BIGINT NOT NULL DEFAULT 0,  -- of the last beat, by its own clock
        tick          BIGINT NOT NULL DEFAULT 0,
        ended         BIGINT NOT NULL DEFAULT 0
    )
    """,
    "ALTER TABLE nodes SET (fillfactor = 50)",
)

LEASES = (
    """
    CREATE TABLE leases (
        name     TEXT PRIMARY KEY,             -- of a link; ":jobs": what is done by the clock
        owner    TEXT,                         -- the node that has it; NULL: nobody
        token    BIGINT NOT NULL DEFAULT 0,    -- grows whenever somebody takes it
        renewals BIGINT NOT NULL DEFAULT 0,
        wanted   TEXT                          -- the node that somebody wants to have it
    )
    """,
    "ALTER TABLE leases SET (fillfactor = 50)",
)
