"""The carrier's request signature: HMAC-SHA1 over the configured URL and every form field.

The URL must be rebuilt from the configured public origin, never from a Host or forwarding header. Without a
signature or a key, nothing verifies. The scheme has no clock and no nonce: replay is the caller's to stop.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

HEADER: Final = "X-Twilio-Signature"


def verify(
    url: str,
    params: Sequence[tuple[str, str]],
    header: str | None,
    tokens: Sequence[str],
    *,
    json_body: bytes | None = None,
) -> bool:
    """Whether one of the auth tokens signed this request.

    `params` are the decoded form fields as they came: repeated ones repeated, blank ones kept; empty for a GET
    and for a WebSocket handshake (whose URL is `wss://`). A JSON body is covered through the URL's
    `bodySHA256`, and does not verify without it. Several tokens are those of a rotation.
    """
    if not header:
        return False
    if json_body is not None and not _covers(url, json_body):
        return False
    given = header.encode(errors="replace")
    keys = [token for token in tokens if token]
    # Every comparison is made, so that the time taken does not tell which token or spelling was near.
    matches = [
        hmac.compare_digest(sign(spelling, params, key).encode(), given) for key in keys for spelling in _spellings(url)
    ]
    return any(matches)


def sign(url: str, params: Iterable[tuple[str, str]], token: str) -> str:
    """The header's value for this request."""
    fields = "".join(name + value for name, value in sorted(set(params)))
    mac = hmac.new(token.encode(), (url + fields).encode(errors="surrogatepass"), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


_DEFAULT_PORTS: Final = {"https": 443, "wss": 443, "http": 80}


def _covers(url: str, body: bytes) -> bool:
    digests = [value for name, value in parse_qsl(urlsplit(url).query) if name == "bodySHA256"]
    expected = hashlib.sha256(body).hexdigest()
    return len(digests) == 1 and hmac.compare_digest(digests[0].lower().encode(), expected.encode())


def _spellings(url: str) -> list[str]:
    """The ways the carrier may have written this URL: with its port or without, a socket's with a slash too."""
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return [url]
    host = _host(parts)
    hosts = [host] if port is None else [host, f"{host}:{port}"]
    paths = [parts.path]
    if parts.scheme == "wss":
        bare = parts.path.rstrip("/")
        paths = [bare, bare + "/"]
    written = (parts._replace(netloc=host, path=path).geturl() for host in hosts for path in paths)
    return list(dict.fromkeys([url, *written]))


def _host(parts: SplitResult) -> str:
    host, colon, port = parts.netloc.rpartition(":")
    return host if colon and port.isdigit() else parts.netloc
