"""Which IP addresses are of the public internet, by our own table: Python's `is_global` differs by release.

source  IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 §2.2) as they were in 2026; what is globally
        reachable there and yet no place for a web site (anycast relays, AS112) is refused as well
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_NOT_PUBLIC = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    "168.63.129.16/32",  # in public space, and yet a cloud's own: its machines ask it about themselves
    *("::/8", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)
_NETWORKS = tuple(map(ip_network, _NOT_PUBLIC))
_V4 = tuple(each for each in _NETWORKS if isinstance(each, IPv4Network))
_V6 = tuple(each for each in _NETWORKS if isinstance(each, IPv6Network))

_WITH_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
"""The last 32 bits are an IPv4 address: NAT64 (RFC 6052 §2.1), compatible (RFC 4291 §2.5.5.1), translated."""


def is_public(address: str) -> bool:
    """May we connect to this IP address? Looks through IPv4 addresses that hide in IPv6 ones, then judges.

    Of IPv6 only 2000::/3 is given out (RFC 4291 §2.4); whatever else there is, is none of the internet.
    """
    ip = ip_address(address.split("%")[0])
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _V4)
    if (inner := _inner(ip)) is not None:
        return is_public(str(inner))
    return ip in IPv6Network("2000::/3") and not any(ip in network for network in _V6)


def _inner(ip: IPv6Address) -> IPv4Address | None:
    found = ip.ipv4_mapped or ip.sixtofour
    if found is None and any(ip in network for network in _WITH_IPV4):
        found = IPv4Address(int(ip) & 0xFFFFFFFF)
    return found
