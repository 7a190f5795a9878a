"""Signing in through an OpenID Connect provider: the code flow with PKCE, state and nonce.

It answers with the verified e-mail address of who signed in, and with nothing else: which account that is, and whether
it may come in, is decided elsewhere. Loaded only where a provider is configured. It never trusts a token that it has
not verified against the provider's published keys.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
import jwt
import msgspec

from agentlocator.web.single_sign_on import Challenge, SignInRefused

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
LEEWAY_S: Final = 60
# A provider changes its keys seldom, and its addresses hardly ever.
KNOWN_FOR_S: Final = 3600
TIMEOUT_S: Final = 10
MOST_BYTES: Final = 256 * 1024


class _Provider(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Oidc:
    """One provider. `transport` stands in for the network."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        label: str,
        redirect_uri: str,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.label = label
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._transport = transport
        self._provider: _Provider | None = None
        self._keys: jwt.PyJWKSet | None = None
        self._known_until = 0.0

    async def address(self, challenge: Challenge) -> str:
        """Where to send the browser. Raises SignInRefused."""
        provider = await self._discovered()
        digest = hashlib.sha256(challenge.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email",
            "state": challenge.state,
            "nonce": challenge.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{provider.authorization_endpoint}?{urlencode(asked)}"

    async def email(self, challenge: Challenge, code: str) -> str:
        """Whose code it is, by his verified address. Raises SignInRefused."""
        provider = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": challenge.verifier,
        }
        answer = await self._ask("POST", provider.token_endpoint, form)
        claims = await self._verified(provider, str(answer.get("id_token", "")))
        if claims.get("nonce") != challenge.nonce:
            raise SignInRefused("the token is for another sign-in")
        if claims.get("azp", self._client_id) != self._client_id:
            raise SignInRefused("the token is for another client")
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise SignInRefused("the provider has not verified the address")
        return email

    async def _verified(self, provider: _Provider, token: str) -> dict[str, Any]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self._key(provider, key_id)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._client_id,
                issuer=provider.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as fault:
            raise SignInRefused(f"the token does not hold: {type(fault).__name__}") from None
        return claims

    async def _key(self, provider: _Provider, key_id: object) -> jwt.PyJWK:
        for attempt in range(2):
            if self._keys is None or attempt:
                # Keys that rotated since: one more look, and no second one.
                self._keys = jwt.PyJWKSet.from_dict(await self._ask("GET", provider.jwks_uri))
            for key in self._keys.keys:
                if key_id in (None, key.key_id) and key.public_key_use in (None, "sig"):
                    return key
        raise SignInRefused("the token is signed by a key that the provider does not publish")

    async def _discovered(self) -> _Provider:
        now = time.monotonic()
        if self._provider is None or now > self._known_until:
            found = await self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
            try:
                provider = msgspec.convert(found, _Provider)
            except msgspec.ValidationError as fault:
                raise SignInRefused(f"the provider's configuration is not whole: {fault}") from None
            if provider.issuer.rstrip("/") != self._issuer:
                raise SignInRefused("the provider's configuration is another issuer's")
            for url in (provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri):
                if not _is_safe(url, self._issuer):
                    raise SignInRefused("the provider's configuration leads off TLS")
            self._provider, self._keys, self._known_until = provider, None, now + KNOWN_FOR_S
        return self._provider

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        auth = httpx2.BasicAuth(self._client_id, self._client_secret) if form is not None else None
        try:
            async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT_S) as http:
                answer = await http.request(method, url, data=form, auth=auth or httpx2.USE_CLIENT_DEFAULT)
            if answer.status_code != 200 or len(answer.content) > MOST_BYTES:
                raise SignInRefused(f"the provider answered HTTP {answer.status_code}")
            found = msgspec.json.decode(answer.content)
        except (httpx2.HTTPError, msgspec.DecodeError) as fault:
            raise SignInRefused(f"the provider cannot be reached: {type(fault).__name__}") from None
        if not isinstance(found, dict):
            raise SignInRefused("the provider's answer is no object")
        return found


def _is_safe(url: str, issuer: str) -> bool:
    """TLS; or, where the issuer itself stands on this machine without it, the same place."""
    parts, home = urlsplit(url), urlsplit(issuer)
    return parts.scheme == "https" or (parts.scheme, parts.netloc) == (home.scheme, home.netloc)
