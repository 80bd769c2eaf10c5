"""`python -m smsgw`: the same as the console script `smsgw`."""

from smsgw.cli.main import main

if __name__ == "__main__":
    main()
