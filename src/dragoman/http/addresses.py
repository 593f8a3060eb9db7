"""Which IP addresses belong to the public internet. Pure; the facts are IANA's special-purpose registries and RFC numbers below."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Written out although `ipaddress.is_global` exists: its answer changed between Python releases (CVE-2024-4032), and it calls
# multicast, NAT64 and the Azure host endpoint global on all of them.
_NOT_PUBLIC: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this machine"),  # RFC 791; Linux connects 0.0.0.0 to loopback
    ("10.0.0.0/8", "a private network"),  # RFC 1918
    ("100.64.0.0/10", "a carrier's or overlay's private network"),  # RFC 6598; also Alibaba metadata, Tailscale
    ("127.0.0.0/8", "this machine"),  # RFC 1122
    ("169.254.0.0/16", "a link-local network, where cloud metadata lives"),  # RFC 3927
    ("172.16.0.0/12", "a private network"),  # RFC 1918
    ("192.0.0.0/24", "a protocol assignment"),  # RFC 6890; also Oracle Cloud metadata
    ("192.0.2.0/24", "a documentation network"),  # RFC 5737
    ("192.88.99.0/24", "a 6to4 relay"),  # RFC 7526
    ("192.168.0.0/16", "a private network"),  # RFC 1918
    ("198.18.0.0/15", "a benchmarking network"),  # RFC 2544
    ("198.51.100.0/24", "a documentation network"),  # RFC 5737
    ("203.0.113.0/24", "a documentation network"),  # RFC 5737
    ("224.0.0.0/4", "a multicast group"),  # RFC 5771
    ("240.0.0.0/4", "a reserved network"),  # RFC 1112
    ("168.63.129.16/32", "the Azure host"),
    ("::1/128", "this machine"),  # RFC 4291
    ("::/128", "this machine"),  # RFC 4291
    ("::/96", "an IPv4 address in IPv6 clothes"),  # RFC 4291, IPv4-compatible
    ("64:ff9b::/96", "an IPv4 address behind NAT64"),  # RFC 6052
    ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),  # RFC 8215
    ("100::/64", "a discard address"),  # RFC 6666
    ("2001::/32", "a Teredo tunnel"),  # RFC 4380
    ("2001::/23", "a protocol assignment"),  # RFC 2928
    ("2001:db8::/32", "a documentation network"),  # RFC 3849
    ("2002::/16", "an IPv4 address behind 6to4"),  # RFC 3056
    ("3fff::/20", "a documentation network"),  # RFC 9637
    ("fc00::/7", "a private network"),  # RFC 4193; also AWS metadata
    ("fe80::/10", "a link-local network"),  # RFC 4291
    ("fec0::/10", "a private network"),  # RFC 3879
    ("ff00::/8", "a multicast group"),  # RFC 4291
)
_TABLE: tuple[tuple[Network, str], ...] = tuple((ip_network(network), kind) for network, kind in _NOT_PUBLIC)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out so far


def is_public(ip: Address) -> bool:
    """True for an address that anybody on the internet can reach, and that is not a wrapping of one that nobody should."""
    return why_not_public(ip) is None


def why_not_public(ip: Address) -> str | None:
    """None for a public address; otherwise what it is, as in "127.0.0.0/8, this machine"."""
    ip = unwrap(ip)
    for network, kind in _TABLE:
        if ip in network:
            return f"{network}, {kind}"
    if not ip.is_global or (ip.version == 6 and ip not in _GLOBAL_UNICAST):
        return f"{ip}, not a public address"
    return None


def unwrap(ip: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped one (::ffff:a.b.c.d), which the system dials as IPv4; anything else as it is."""
    return (ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip


def lies_in(ip: Address, networks: tuple[Network, ...]) -> bool:
    ip = unwrap(ip)
    return any(ip in network for network in networks)
