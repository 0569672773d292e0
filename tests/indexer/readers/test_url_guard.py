"""Which addresses are public, whatever way they are written, and that each is checked."""

import ipaddress
import socket

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.readers.url_guard import (
    Deadline,
    DeadlineError,
    GuardedBackend,
    RefusedAddressError,
    UnknownHostError,
    is_public,
    resolve,
)

PRIVATE = [
    *("127.0.0.1", "127.255.0.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.0"),
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.2.3", "255.255.255.255", "240.0.0.1"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "192.0.0.1"),
    *("::", "::1", "fe80::1", "fe80::1%1", "fc00::1", "fd12::1", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2002:808:808::1"),
    *("2001::1", "2001:db8::1", "3fff::1", "100::1", "::ffff:0:127.0.0.1", "5f00::1", "4000::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public(text):
    assert is_public(ipaddress.ip_address(text))


@given(st.integers(0, (1 << 32) - 1), st.sampled_from(["::ffff:0:0", "64:ff9b::", "::"]))
def test_no_ipv4_address_is_public_in_the_clothes_of_ipv6(number, prefix):
    assert not is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + number))
    assert not is_public(ipaddress.IPv6Address((0x2002 << 112) + (number << 80)))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost"]
)
def test_every_spelling_of_this_machine_is_refused(host):
    with pytest.raises(RefusedAddressError):
        GuardedBackend(is_public, Deadline()).connect_tcp(host, 80)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70 + ".com", "a..b", ""])
def test_hosts_that_do_not_exist(host):
    with pytest.raises((UnknownHostError, RefusedAddressError)):
        GuardedBackend(is_public, Deadline()).connect_tcp(host, 80)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    asked = []

    def answer(host, port, **_):
        asked.append(host)
        kinds = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kinds, ("8.8.8.8", port)), (*kinds, ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
        GuardedBackend(is_public, Deadline()).connect_tcp("two-faced.example", 80)
    assert asked == ["two-faced.example"]


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A name that gives a public address when it is checked and another one afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answers = ["127.0.0.1", "10.0.0.1"]
        real = socket.getaddrinfo

        def answer(host, *rest, **options):
            name = answers.pop(0) if host == "rebinding.example" else host
            return real(name, *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        backend = GuardedBackend(lambda address: str(address) == "127.0.0.1", Deadline())
        stream = backend.connect_tcp("rebinding.example", port)
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
        stream.close()
    assert answers == ["10.0.0.1"], "the name was resolved once"


def test_the_next_address_is_tried_where_one_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stream = GuardedBackend(lambda _: True, Deadline()).connect_tcp("localhost", port, 5.0)
        stream.close()
    with pytest.raises(httpcore.ConnectError):
        GuardedBackend(lambda _: True, Deadline()).connect_tcp("127.0.0.1", port, 5.0)


def test_numbers_resolve_to_themselves():
    assert [str(each) for each in resolve("2130706433", 80)] == ["127.0.0.1"]
    assert [str(each) for each in resolve("::1", 80)] == ["::1"]


def test_a_deadline_holds_for_its_thread_and_its_block():
    deadline = Deadline()
    assert (deadline.cut(3.0), deadline.cut(None)) == (3.0, None)
    with deadline.within(100):
        assert 99 < deadline.cut(None) <= 100
        assert deadline.cut(1.0) == 1.0
        deadline.extend(50)
        assert 149 < deadline.left_s() <= 150
    with deadline.within(-1), pytest.raises(DeadlineError):
        deadline.cut(3.0)
    assert deadline.left_s() == float("inf")
