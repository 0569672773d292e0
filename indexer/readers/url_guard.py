"""Connections to public addresses only, and never longer than a deadline.

A list of addresses may come from anybody, and the machine that reads it sees more than they do. So
a host is resolved once for each connection, every address it has must be public, and the connection
goes to the address that was checked: a name that changes its mind in between gains nothing. This
holds for each redirect, because each needs a connection.

The guard sits below HTTP and TLS, which go on to see the name: the Host header and the certificate
are those of the host, whatever address serves it. httpcore comes with the extra `urls`.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from ssl import SSLContext
from typing import Any

import httpcore

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_ADDRESSES_TRIED = 3

_FOREVER = float("inf")

# What reaches further than it says. IPv6: only 2000::/3 is handed out for the public, which leaves
# out mapped, compatible, NAT64 (64:ff9b::/96, RFC 6052) and translated addresses altogether; within
# it, 6to4 (RFC 3056) and Teredo carry an IPv4 address, and 3fff::/20 is documentation (RFC 9637).
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6 = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/32", "3fff::/20")))
_SIX_TO_FOUR_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")  # RFC 7526


class RefusedAddressError(Exception):
    """A host has an address that is not public."""


class UnknownHostError(Exception):
    """A host has no address.

    Attributes:
        is_temporary: whether asking again may help.
    """

    def __init__(self, host: str, *, is_temporary: bool) -> None:
        super().__init__(host)
        self.is_temporary = is_temporary


class DeadlineError(Exception):
    """The time for one address of the list is over."""


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, and not a way to one that is not."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address not in _SIX_TO_FOUR_RELAYS
    return address in _PUBLIC_IPV6 and not any(address in each for each in _NOT_PUBLIC_IPV6)


class Deadline:
    """The time that the current thread has left; none is set outside of `within`."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Set the deadline of this thread."""
        self._local.ends_s = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._local.ends_s

    def extend(self, seconds: float) -> None:
        """Put this thread's deadline off."""
        self._local.ends_s += seconds

    def left_s(self) -> float:
        """Seconds that are left.

        Raises:
            DeadlineError: none are.
        """
        left = float(getattr(self._local, "ends_s", _FOREVER)) - time.monotonic()
        if left <= 0:
            raise DeadlineError
        return left

    def cut(self, timeout_s: float | None) -> float | None:
        """A timeout that ends with the deadline at the latest; None where there is neither."""
        left = self.left_s()
        shortest = left if timeout_s is None else min(timeout_s, left)
        return None if shortest == _FOREVER else shortest


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore, to addresses that `allow` lets pass.

    The system's resolver has time limits of its own, on which the deadline has no hold.
    """

    def __init__(self, allow: Callable[[Address], bool], deadline: Deadline) -> None:
        self._allow = allow
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check every address, and connect to one of them.

        Raises:
            UnknownHostError: there is no address.
            RefusedAddressError: one of them is not public.
            httpcore.ConnectError: nobody answers.
        """
        addresses = resolve(host, port)
        refused = [each for each in addresses if not self._allow(each)]
        if refused:
            raise RefusedAddressError(f"{host} is {refused[0]}")
        failure: Exception = httpcore.ConnectError()
        for address in addresses[:_MAX_ADDRESSES_TRIED]:
            try:
                stream = self._inner.connect_tcp(
                    str(address), port, self._deadline.cut(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host, in the system's order; numbers in any spelling count as such.

    Raises:
        UnknownHostError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise UnknownHostError(host, is_temporary=error.errno == socket.EAI_AGAIN) from error
    except (UnicodeError, OverflowError, ValueError) as error:
        raise UnknownHostError(host, is_temporary=False) from error
    return [ipaddress.ip_address(each) for each in dict.fromkeys(str(info[4][0]) for info in found)]


class _TimedStream(httpcore.NetworkStream):
    """A connection each of whose steps ends with the deadline of the thread that takes it.

    Without it a server that sends a byte a second stays within every single timeout for ever.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.cut(timeout)
        return _TimedStream(
            self._inner.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        return self._inner.get_extra_info(info)
