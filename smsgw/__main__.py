"""`python -m smsgw`: the same as the console script `smsgw`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # Python looks for modules in the folder where it was called first: somebody's schedule.py
        # there must not be run.
        del sys.path[0]

    from smsgw.cli.main import main

    main()
