"""The command line. A command parses, calls one verb, prints.

`main` is the tree of commands and the one place where a fault becomes a line and an exit status,
`tools` opens what a command needs, `options` is what commands ask for in the same way, `views` says
how each kind of thing looks and `tables` prints it, `story` tells a citizen's story, `terminal`
knows width, colour and pager. `asking` asks before something is destroyed, `guess` knows what was
probably meant, `refusals` what a person can do about a refusal, and `strangers` what to type for
whoever is not the service's user. Every other module is one command or one group of them.
"""
