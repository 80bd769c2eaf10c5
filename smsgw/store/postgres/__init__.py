"""The store as a PostgreSQL database. Nobody but the door (`smsgw.store`) and tests come here.

store.py        the engine: all groups of verbs over one connection
transactions.py one writer at a time; a COMMIT whose outcome is unknown
statements.py   runs one statement; what PostgreSQL raises becomes a fault of ours
server.py       the connection: which server, its settings, how long it may be silent
nodes.py        which daemon this is among several
arrays.py       lists as PostgreSQL reads them
batch.py        what goes in, and the counters of ids
copies.py       all that is in a database, table by table
sql/            statements in PostgreSQL's own words; those of `server` it alone is asked
schema.py       tables and migrations

How it differs from SQLite, besides the words: ids come from a row of counters, not from max(id);
the writes of a batch leave in one go and are not waited for one by one (a pipeline), so that a
batch costs four ways to the server; and a COMMIT may be in doubt.
"""
