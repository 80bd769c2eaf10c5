"""The command line. A command parses, calls one verb, prints.

`main` is the tree of commands and the one place where a fault becomes a line and an exit status,
`tools` opens what a command needs, `options` is what commands ask for in the same way, `show` is
how things look. Every other module is one command or one group of them.
"""
