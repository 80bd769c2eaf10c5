"""The store as one SQLite file. Nobody but the door (`smsgw.store`) and tests come here.

store.py        the engine: all groups of verbs over one file
file.py         opening, transactions, a file that was moved, copies
place.py        where the file is
log.py          copies the write-ahead log back, in a thread of its own
engine.py       which SQLite runs
statements.py   runs one statement; what SQLite raises becomes a fault of ours
copies.py       all that is in a file, table by table
sql/            statements in SQLite's own words
schema.py       tables and migrations
lock.py         one daemon a file, and how it is rung
unstopped.py    keeps Ctrl-Z out of a transaction
"""
