"""A sign-in provider that complains like a real one, and lies on request.

It knows one client and one address to send people back to; a code works once, for the verifier it was asked with.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER = "https://provider.test"
CLIENT = "agentlocator"
SECRET = "the client's secret"
_BASIC = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()


class Provider:
    """`who` signs in; `lies` are claims that the token states instead, `faults` what else goes wrong."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.who = "owner@example.com"
        self.lies: dict[str, Any] = {}
        self.faults: set[str] = set()
        self.complaints: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._strange_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = "first"
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    @property
    def transport(self) -> httpx2.ASGITransport:
        return httpx2.ASGITransport(app=self.app)

    def rotate(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id += "+"

    def sign_in(self, address: str) -> dict[str, str]:
        """Somebody signs in at the address; answers what his browser is sent back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        wanted = {"response_type": "code", "client_id": CLIENT, "redirect_uri": self.redirect_uri}
        wanted |= {"code_challenge_method": "S256", "scope": "openid email"}
        assert wanted.items() <= asked.items(), asked
        assert all(len(asked[name]) >= 32 for name in ("state", "nonce", "code_challenge"))
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def _configuration(self, _request: Request) -> Response:
        issuer = "https://evil.test" if "another_issuer" in self.faults else ISSUER
        keys = "http://provider.test/keys" if "off_tls" in self.faults else f"{ISSUER}/keys"
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": keys,
            },
            500 if "down" in self.faults else 200,
        )

    async def _keys(self, _request: Request) -> Response:
        public = msgspec.json.decode(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return JSONResponse({"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "RS256"}]})

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self._codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if request.headers.get("authorization") != _BASIC:
            return self._complain("invalid_client", 401)
        if form.get("grant_type") != "authorization_code":
            return self._complain("unsupported_grant_type", 400)
        if asked is None or asked["code_challenge"] != proof or form.get("redirect_uri") != self.redirect_uri:
            return self._complain("invalid_grant", 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])})

    def _complain(self, error: str, status: int) -> Response:
        self.complaints.append(error)
        return JSONResponse({"error": error}, status)

    def _signed(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= {"email": self.who, "email_verified": True} | self.lies
        if "unsigned" in self.faults:
            return jwt.encode(claims, "", algorithm="none", headers={"kid": self._key_id})
        if "by_the_client_s_secret" in self.faults:
            return jwt.encode(claims, SECRET * 2, algorithm="HS256", headers={"kid": self._key_id})
        key = self._strange_key if "strange_key" in self.faults else self._key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self._key_id})
