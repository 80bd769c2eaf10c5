"""`[portal]`: the citizens' pages and the city's interface."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from smsgw.config.checks import AnyPath, Duration, Section, reads, refuse, with_prometheus
from smsgw.config.values import Listen

Network = IPv4Network | IPv6Network

_LISTEN = 'such as "127.0.0.1:8080", or "unix:" with an absolute path'
_NETWORKS = 'such as ["127.0.0.1", "10.0.0.0/8"]'
_URL = 'such as "https://dangky.example.vn"'


def _place(text: str) -> Listen | Path:
    if text.startswith("unix:"):
        path = Path(text.removeprefix("unix:"))
        if not path.is_absolute() or "\0" in text:
            raise ValueError("is no absolute path")
        return path
    return Listen.parse(text)


def _networks(value: object) -> tuple[Network, ...]:
    if not isinstance(value, list | tuple):
        raise refuse("must be a list of texts", _NETWORKS)
    found = []
    for each in value:
        if not isinstance(each, str):
            raise refuse("must be a list of texts", _NETWORKS)
        try:
            found.append(ip_network(each))
        except ValueError:
            raise refuse(f'"{each}" is no network', _NETWORKS) from None
    return tuple(found)


def _public(text: str) -> str:
    """An origin: citizens' cookies and the redirect URIs of clients hang on it."""
    if not text.isascii() or not text.isprintable() or set(text) & set('\\"<> '):
        raise ValueError("is no URL")
    url = urlsplit(text)
    try:
        port = url.port
    except ValueError:
        raise ValueError("has no such port") from None
    if url.scheme not in ("https", "http") or not url.hostname or "@" in url.netloc or port == 0:
        raise ValueError("is no URL of a site")
    if url.path not in ("", "/") or url.query or url.fragment or "?" in text or "#" in text:
        raise ValueError("has more than scheme, name and port: the portal needs a name of its own")
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise ValueError("is not encrypted, which only the loopback may be")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _a_second_at_least(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise refuse("is shorter than a second")
    return value


def _said(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise refuse("is shown to citizens: it must be printable, and not blank")
    return value.strip()


Span = Annotated[Duration, AfterValidator(_a_second_at_least)]
Shown = Annotated[str, Field(max_length=200), AfterValidator(_said)]
Networks = Annotated[tuple[Network, ...], PlainValidator(_networks)]


class PortalSettings(Section):
    """The citizens' pages and the city's interface; read by `smsgw portal` alone."""

    listen: Annotated[Listen | Path, reads(Listen | Path, _place, _LISTEN)] = Field(
        default=Listen("127.0.0.1", 8080),
        description='where the proxy reaches it, or "unix:/run/smsgw/portal.sock" (mode 0660)',
    )
    public_url: Annotated[str, reads(str, _public, _URL)] = Field(
        examples=["https://dangky.example.vn"],
        description="what citizens and clients see; https, or http for the loopback alone",
    )
    hotline: Shown = Field(
        examples=["1022"], description="telephone number that citizens are shown for help"
    )
    authority: Shown = Field(
        examples=["Sở Thông tin và Truyền thông"],
        description="who keeps the data, as citizens are told when they agree to it",
    )
    key_file: AnyPath | None = Field(
        examples=["/var/lib/smsgw/portal.key"],
        default=None,
        description="signing and other keys of the portal; made at first start with mode 0600 "
        "(default: portal.key beside the database; $CREDENTIALS_DIRECTORY/portal_key wins). Over a "
        "PostgreSQL it is the same on all nodes: a portal with another one, or none, is refused",
    )
    trusted_proxies: Networks = Field(
        default=(ip_network("127.0.0.1"), ip_network("::1")),
        examples=[["127.0.0.1", "::1"]],
        description="networks whose X-Forwarded-For counts; over a unix socket the peer's does",
    )
    shared_networks: Networks = Field(
        default=(),
        examples=[[]],
        description="networks behind which many citizens stand, such as those of carriers: "
        "limits of an address are ten times as high",
    )
    session_idle: Span = Field(
        default=timedelta(minutes=30), description="a session that is not used ends after this time"
    )
    session_absolute: Span = Field(
        default=timedelta(hours=4), description="a session ends after this time, used or not"
    )
    logins_kept: Span = Field(
        default=timedelta(days=90), description="log-ins stay this long in an account's history"
    )
    metrics: (
        Annotated[
            Listen,
            reads(Listen, Listen.parse, 'such as "127.0.0.1:9189" or "[::1]:9189"'),
            AfterValidator(with_prometheus),
        ]
        | None
    ) = Field(
        examples=["127.0.0.1:9189"],
        default=None,
        description='"127.0.0.1:9189" serves the portal\'s /metrics (Prometheus) there',
    )
