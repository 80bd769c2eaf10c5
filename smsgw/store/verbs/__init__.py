"""What every engine does in the same way: its verbs, once, over the few calls that are its own.

    engine.py    those calls: run a statement by its name, bind a list
    names.py     the names of statements
    batch.py outbox.py parts.py receipts.py accounts.py reports.py upkeep.py    verbs, by who asks
    ids.py       what ids tell
    sql/         statements that every engine takes as they are

A statement that an engine must say in its own words stands in `sql/` of each, under the same name
and with the same parameters. What an engine does in another way, it overrides.
"""
