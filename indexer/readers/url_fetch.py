"""Fetches pictures over HTTP from servers that nobody vouches for.

Only http and https, only public addresses (see `url_guard`), no credentials, no proxy. Every fetch
ends: in time, in size, in the number of redirects and of attempts.
"""

import email.utils
import ssl
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from indexer.readers.url_guard import (
    Address,
    Deadline,
    DeadlineError,
    GuardedBackend,
    RefusedAddressError,
    UnknownHostError,
    is_public,
)
from retrieval.errors import ImageError
from retrieval.images.formats import sniff_format

_USER_AGENT = b"polyseek"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_SNIFFED_BYTES = 4096
_KEPT_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one address may cost.

    Attributes:
        total_s: time for all attempts, redirects and pauses together.
        step_s: time to connect, and to wait for the next bytes.
        max_bytes: size of a picture.
        max_redirects: on the way to it.
        attempts: in all, where the failure may pass.
        backoff_s: pause before the second attempt; it doubles from one to the next.
        per_host: fetches from one host at a time.
    """

    total_s: float = 30.0
    step_s: float = 10.0
    max_bytes: int = 64 << 20
    max_redirects: int = 5
    attempts: int = 3
    backoff_s: float = 0.5
    per_host: int = 4


class _PassingError(Exception):
    """A failure that may be none the next time.

    Attributes:
        reason: for the report, should it stay.
        pause_s: that the server asks for.
    """

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause_s = pause_s


class UrlFetcher:
    """Fetches addresses; safe to call from many threads, which share its connections."""

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        allow: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is connected.

        Args:
            limits: None is `FetchLimits()`.
            allow: which addresses may be connected to; anything but the default is for tests.
            tls: which certificates are trusted; None is httpx's choice.
        """
        self._limits = limits or FetchLimits()
        self._hosts = _Hosts(self._limits.per_host)
        self._deadline = Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(),
            max_connections=None,  # the threads that call bound it
            max_keepalive_connections=_KEPT_CONNECTIONS,
            keepalive_expiry=15.0,
            network_backend=GuardedBackend(allow, self._deadline),
        )
        weakref.finalize(self, self._pool.close)

    def fetch(self, url: str) -> bytes:
        """The bytes of a picture.

        Raises:
            ImageError: there is none to be had; carries the reason.
        """
        with self._deadline.within(self._limits.total_s):
            try:
                return self._try_often(url)
            except DeadlineError as error:
                raise ImageError("took too long") from error

    def _try_often(self, url: str) -> bytes:
        pause_s = self._limits.backoff_s
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return self._follow(url)
            except _PassingError as error:
                wait_s = max(pause_s, error.pause_s)
                if attempt == self._limits.attempts or wait_s >= self._deadline.left_s():
                    raise ImageError(error.reason) from error
                time.sleep(wait_s)
                pause_s *= 2
        raise AssertionError("the last attempt returns or raises")

    def _follow(self, address: str) -> bytes:
        """One attempt, through all redirects."""
        url = parse_url(address)
        for _ in range(1 + self._limits.max_redirects):
            with self._hosts.turn(url.host, self._deadline), _told_apart():
                outcome = self._request(url)
            if isinstance(outcome, bytes):
                return outcome
            url = parse_url(outcome, base=url)
        raise ImageError("too many redirects")

    def _request(self, url: httpx.URL) -> bytes | str:
        """The body, or where to look instead."""
        step_s = self._limits.step_s
        target = httpcore.URL(
            scheme=url.scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", _USER_AGENT),
            (b"Accept", b"image/*, */*;q=0.1"),
            (b"Accept-Encoding", b"identity"),
        ]
        timeouts = {"connect": step_s, "read": step_s, "write": step_s, "pool": step_s}
        with self._pool.stream(
            "GET", target, headers=headers, extensions={"timeout": timeouts}
        ) as response:
            location = _header(response.headers, b"location")
            if response.status in _REDIRECTS and location:
                return location
            if response.status in _WORTH_ANOTHER_TRY:
                pause_s = _pause(_header(response.headers, b"retry-after"))
                raise _PassingError(f"HTTP status {response.status}", pause_s)
            if response.status != 200:
                raise ImageError(f"HTTP status {response.status}")
            if _header(response.headers, b"content-encoding") not in ("", "identity"):
                raise ImageError("compressed answer")
            return self._read_body(response)

    def _read_body(self, response: httpcore.Response) -> bytes:
        """The body, as far as it is a picture of a size that is allowed; no header is believed."""
        limit = self._limits.max_bytes
        declared = _header(response.headers, b"content-length")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
            raise ImageError("file too large")
        content = bytearray()
        is_checked = False
        for part in response.iter_stream():
            content += part
            if len(content) > limit:
                raise ImageError("file too large")
            if not is_checked and len(content) >= _SNIFFED_BYTES:
                is_checked = True
                if sniff_format(bytes(content)) is None:
                    raise ImageError("not an image")
        return bytes(content)


def parse_url(address: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """An address that may be fetched; relative ones start from `base`.

    Raises:
        ImageError: it is none, or not http(s), or holds a password.
    """
    try:
        url = httpx.URL(address) if base is None else base.join(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise ImageError("not an address") from error
    if url.scheme not in ("http", "https"):
        raise ImageError("not an http address")
    if not url.host or (url.port is not None and not 0 < url.port < 1 << 16):
        raise ImageError("not an address")
    if url.userinfo:
        raise ImageError("address with a password")
    return url


class _Hosts:
    """Bounds how many threads are at one host."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, host: str, deadline: Deadline) -> Iterator[None]:
        """Wait for a turn; that others are slow is not counted against this thread.

        The wait ends: whoever has a turn has a deadline, and waits for no other turn.
        """
        asked_s = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._busy[host] < self._per_host)
            self._busy[host] += 1
        deadline.extend(time.monotonic() - asked_s)
        try:
            yield
        finally:
            with self._changed:
                self._busy[host] -= 1
                if not self._busy[host]:
                    del self._busy[host]
                self._changed.notify_all()


@contextmanager
def _told_apart() -> Iterator[None]:
    """Turn what httpcore and the guard raise into reasons, and tell what may pass from the rest."""
    try:
        yield
    except RefusedAddressError as error:
        raise ImageError("address is not public") from error
    except UnknownHostError as error:
        if error.is_temporary:
            raise _PassingError("unknown host") from error
        raise ImageError("unknown host") from error
    except httpcore.TimeoutException as error:
        raise _PassingError("timed out") from error
    except httpcore.ConnectError as error:
        if isinstance(error.__context__, ssl.SSLCertVerificationError):
            raise ImageError("certificate is not trusted") from error
        raise _PassingError("cannot connect") from error
    except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
        raise _PassingError("broken answer") from error
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
        raise ImageError("not an address") from error


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def _pause(retry_after: str) -> float:
    """Seconds that a server asks for, as a number or as a date (RFC 9110, 10.2.3)."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
