"""Where a request comes from: the peer, or what a proxy that we trust says of it. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from smsgw.config import Network

Address = IPv4Address | IPv6Address

#: Of IPv6 one subscriber has at least so much (RFC 6177).
IPV6_PREFIX = 64


def read(text: str) -> Address | None:
    """An address as it stands in X-Forwarded-For; None: it is none. IPv4 in IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # IPv4 with a port
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def client(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """Who asks.

    Args:
        peer: the other end of the connection; None: a unix socket, whose peer is trusted.
        forwarded: the values of X-Forwarded-For, as they came.

    Returns:
        From the right, the first address that is no trusted proxy's; where what stands there is no
        address, the last proxy that can be believed. None: nobody said.
    """
    last = read(peer) if peer is not None else None
    if peer is not None and (last is None or not is_in(last, trusted)):
        return last
    hops = [hop for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops):
        address = read(hop)
        if address is None:
            return last
        last = address
        if not is_in(address, trusted):
            return address
    return last


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def bucket(address: Address | None) -> str:
    """Whom failures of *address* are counted to: of IPv6, its network of 64 bits."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "")
