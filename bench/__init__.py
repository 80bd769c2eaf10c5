"""How fast the gateway is, beside a naive one in the same run: `python -m bench`."""
