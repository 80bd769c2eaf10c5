"""The command line. A command parses, calls one verb, prints.

`main` is the tree of commands and the one place where a fault becomes a line and an exit status,
`tools` opens what a command needs, `options` is what commands ask for in the same way, `views` says
how each kind of thing looks and `tables` prints it, `refusals` knows what a person can do about a
refusal. Every other module is one command or one group of them.
"""
