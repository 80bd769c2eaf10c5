"""smsgw: the SMS gateway behind the short code 8188."""

__version__ = "0.1.0"
