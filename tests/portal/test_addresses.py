"""Who asks: the peer, or what a proxy of ours says of it."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgw.portal import addresses

PROXIES = (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("::1"))

TOLD = {
    "nobody's proxy": ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
    "our proxy": ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "forged in front": ("127.0.0.1", ["8.8.8.8, 203.0.113.9"], "203.0.113.9"),
    "two of our proxies": ("127.0.0.1", ["203.0.113.9, 10.1.1.1"], "203.0.113.9"),
    "in two headers": ("127.0.0.1", ["8.8.8.8", "203.0.113.9"], "203.0.113.9"),
    "nothing told": ("127.0.0.1", [], "127.0.0.1"),
    "only proxies": ("127.0.0.1", ["10.1.1.1"], "10.1.1.1"),
    "no address": ("127.0.0.1", ["203.0.113.9, unknown"], "127.0.0.1"),
    "with a port": ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
    "IPv6 in brackets": ("::1", ["[2001:db8::1]:443"], "2001:db8::1"),
    "IPv4 in IPv6": ("::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    "a socket": (None, ["203.0.113.9"], "203.0.113.9"),
    "a socket that tells nothing": (None, [], None),
}


@pytest.mark.parametrize(("peer", "forwarded", "who"), TOLD.values(), ids=TOLD)
def test_address_that_counts(peer, forwarded, who):
    expected = None if who is None else ip_address(who)
    assert expected == addresses.client(peer, forwarded, PROXIES)


def test_failures_of_ipv6_count_for_a_network():
    assert "2001:db8:1:2::/64" == addresses.bucket(ip_address("2001:db8:1:2:3::4"))
    assert "203.0.113.9" == addresses.bucket(ip_address("203.0.113.9"))
    assert "" == addresses.bucket(None)


@given(st.text(), st.lists(st.text()))
def test_whatever_is_told_is_read_or_passed_over(peer, forwarded):
    addresses.client(peer, forwarded, PROXIES)
    addresses.client("127.0.0.1", forwarded, PROXIES)
