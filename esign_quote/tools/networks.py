"""Whose address is it: what shares one rate limit."""

import ipaddress

IPV6_PREFIX = 64  # what one subscriber gets at least (RFC 6177)


def network_of(address: str) -> str:
    """Return what a rate limit counts for an address: an IPv4 address, or the /64 of an IPv6 one.

    What is no address counts as one visitor, so that nobody escapes by an odd header.

    >>> network_of("2001:db8:1:2:3:4:5:6")
    '2001:db8:1:2::/64'
    """
    try:
        parsed = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
