"""What every answer of the portal carries against those who would frame, guess or keep it. Pure."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
)


def content_security_policy(*onward: str) -> str:
    """What a page may load and where its forms may lead.

    Args:
        onward: origins to which a form of this page may be redirected in the end. Chromium and
            Safari ask `form-action` about that, too (w3c/webappsec-csp#8).
    """
    form_action = " ".join(("'self'", *onward))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
        f"base-uri 'none'; form-action {form_action}"
    )


def completed(headers: Iterable[Header]) -> list[Header]:
    """*headers* and what is missing among them."""
    found = list(headers)
    names = {name.lower() for name, _ in found}
    missing = [*_ALWAYS]
    missing.append((b"cache-control", b"no-store"))
    missing.append((b"content-security-policy", content_security_policy().encode()))
    return found + [(name, value) for name, value in missing if name not in names]
