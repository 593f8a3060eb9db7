"""Every address that only looks public, and some that are."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as some
from outside import lines

from dragoman.http.addresses import is_public, lies_in, unwrap, why_not_public

NOT_PUBLIC = lines("addresses_not_public")
PUBLIC = lines("addresses_public")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_the_public_internet_is_known_as_such(address):
    assert not is_public(ip_address(address))
    assert why_not_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_public_internet_is_not_held_back(address):
    assert why_not_public(ip_address(address)) is None


def test_the_reason_names_the_network_and_not_the_address():
    assert why_not_public(ip_address("10.20.30.40")) == "10.0.0.0/8, a private network"
    assert why_not_public(ip_address("::ffff:127.0.0.1")) == "127.0.0.0/8, this machine"


@given(some.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_in_ipv6_clothes_as_without(ip: IPv4Address):
    assert is_public(IPv6Address(f"::ffff:{ip}")) == is_public(ip)


@given(some.ip_addresses(v=4))
def test_a_tunnel_to_an_ipv4_address_is_never_public(ip: IPv4Address):
    number = int(ip)
    wrapped = [number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80), (0x20010000 << 96) | number]
    assert not any(is_public(IPv6Address(form)) for form in wrapped)


@given(some.ip_addresses())
def test_nothing_is_public_that_python_calls_private(ip):
    ip = unwrap(ip)
    assert not (is_public(ip) and (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved))


def test_an_allowed_network_is_found_in_ipv6_clothes_too():
    lan = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert lies_in(ip_address("10.1.2.3"), lan)
    assert lies_in(ip_address("::ffff:10.1.2.3"), lan)
    assert lies_in(ip_address("fd12::1"), lan)
    assert not lies_in(ip_address("11.1.2.3"), lan)
    assert not lies_in(ip_address("::10.1.2.3"), lan)
    assert unwrap(ip_address("::1")) == ip_address("::1")
