"""What stands between the carrier and the server: certificates, proxies that mean well, strangers at our address."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve

from agentlocator.config import load
from agentlocator.doctor import Finding, Patient, front
from agentlocator.rehearsal import theatre
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from agentlocator.simulator.whatsapp_http import serving

pytestmark = pytest.mark.requirement("R52")

NOBODY = Scenario("nobody", "Nobody acts: the doctor looks", ())
TOKEN = "simulated-auth-token"
Rewrite = Callable[[bytes], bytes]


def unchanged(sent: bytes) -> bytes:
    return sent


class Authority:
    """Gives certificates, and is trusted by `trusting`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        issued = self._issued(self._name, self._key.public_key(), timedelta(days=90))
        root = issued.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._root = root.sign(self._key, hashes.SHA256())

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._root.public_bytes(serialization.Encoding.PEM).decode())
        return context

    def serving(self, host: str = "localhost", *, lasts: timedelta = timedelta(days=60)) -> ssl.SSLContext:
        """A server with a certificate for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        issued = self._issued(subject, key.public_key(), lasts)
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = issued.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{host}.pem"
        plain = serialization.NoEncryption()
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _issued(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, lasts: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=90))
            .not_valid_after(now + lasts)
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def proxied(origin: str, tls: ssl.SSLContext, rewrite: Rewrite = unchanged) -> AsyncIterator[str]:
    """Ends TLS and passes bytes on; gives the public origin."""
    backend = int(origin.rpartition(":")[2])

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Rewrite) -> None:
        while sent := await reader.read(65536):
            writer.write(change(sent))
            await writer.drain()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", backend)
        both = (carry(reader, inner_writer, rewrite), carry(inner_reader, writer, unchanged))
        await asyncio.gather(*both, return_exceptions=True)

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def looked(
    look: Callable[[Patient], object], public_url: str, authority: Authority, token: str = TOKEN
) -> Finding:
    """What a check says of a deployment at this address."""
    settings = load(
        None,
        openai_api_key="sk-simulated",
        twilio_account_sid=theatre.ACCOUNT_SID,
        twilio_auth_token=token,
        public_url=public_url,
    )
    trusting = authority.trusting()
    async with httpx2.AsyncClient(verify=trusting) as http:
        patient = Patient(settings, settings, "", None, http, tls=trusting)
        found = await look(patient)  # type: ignore[misc]
    assert isinstance(found, Finding)
    return found


async def nothing_is_signed(request: Request) -> Response:
    return Response(status_code=204)


async def alive(request: Request) -> Response:
    return JSONResponse({"alive": True})


async def welcome(request: Request) -> Response:
    return Response("<h1>Welcome to nginx!</h1>", media_type="text/html")


@asynccontextmanager
async def deployed(folder: Path, authority: Authority, rewrite: Rewrite = unchanged) -> AsyncIterator[str]:
    """The product itself behind a proxy that ends TLS; it knows its public address only after it has started."""
    async with (
        theatre.opened(folder, NOBODY, voice=Voice(folder / "voices")) as running,
        proxied(running.origin, authority.serving(), rewrite) as public_url,
    ):
        yield public_url


async def test_a_server_behind_a_good_proxy_is_well(tmp_path: Path, authority: Authority) -> None:
    async with deployed(tmp_path, authority) as public_url:
        address = await looked(front.address, public_url, authority)
        socket = await looked(front.media_socket, public_url, authority)
    assert address == Finding("ok", "This server answers there; its certificate is good for 59 days.")
    assert socket == Finding("ok", "It opens, uncompressed, and refuses whoever has no token.")


@pytest.mark.parametrize(
    ("host", "lasts_days", "said"),
    [("localhost", -1, "expired"), ("other.example.com", 60, "mismatch"), ("localhost", 3, "runs out in 2 days")],
)
async def test_a_certificate_that_is_no_good(host: str, lasts_days: int, said: str, authority: Authority) -> None:
    async with serving(Starlette(routes=[Route("/healthz", alive)])) as origin:
        tls = authority.serving(host, lasts=timedelta(days=lasts_days))
        async with proxied(origin, tls) as public_url:
            found = await looked(front.address, public_url, authority)
    assert found.verdict == ("warning" if lasts_days > 0 and host == "localhost" else "failure")
    assert said in found.said
    assert "renew" in found.remedy


async def test_a_certificate_of_an_authority_that_nobody_trusts(tmp_path: Path, authority: Authority) -> None:
    async with (
        serving(Starlette(routes=[Route("/healthz", alive)])) as origin,
        proxied(origin, Authority(tmp_path).serving()) as public_url,
    ):
        found = await looked(front.address, public_url, authority)
    assert (found.verdict, "certificate" in found.said) == ("failure", True)


async def test_a_stranger_at_our_address(authority: Authority) -> None:
    async with (
        serving(Starlette(routes=[Route("/healthz", welcome)])) as origin,
        proxied(origin, authority.serving()) as public_url,
    ):
        found = await looked(front.address, public_url, authority)
    assert found.verdict == "failure"
    assert "Somebody else answers" in found.said
    assert "Point the proxy" in found.remedy


async def test_a_proxy_that_keeps_the_upgrade_to_itself(tmp_path: Path, authority: Authority) -> None:
    def stripped(sent: bytes) -> bytes:
        return sent.replace(b"Upgrade: websocket", b"X-Upgrade: nothing")

    async with deployed(tmp_path, authority, stripped) as public_url:
        found = await looked(front.media_socket, public_url, authority)
    assert found.verdict == "failure"
    assert "HTTP 404" in found.said
    assert "Upgrade" in found.remedy


async def test_a_proxy_that_compresses(authority: Authority) -> None:
    async def refuse(connection: ServerConnection) -> None:
        await connection.close(1008)

    async with serve(refuse, "127.0.0.1", 0, compression="deflate") as listening:
        origin = f"http://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"
        async with proxied(origin, authority.serving()) as public_url:
            found = await looked(front.media_socket, public_url, authority)
    assert found == Finding("failure", "The media socket is compressed.", front.UNCOMPRESSED)


async def test_a_media_socket_that_lets_anybody_in(authority: Authority) -> None:
    async def welcome_all(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1000)

    async with serve(welcome_all, "127.0.0.1", 0, compression=None) as listening:
        origin = f"http://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"
        async with proxied(origin, authority.serving()) as public_url:
            found = await looked(front.media_socket, public_url, authority)
    assert found.verdict == "failure"
    assert "without a token was not refused (close code 1000)" in found.said


async def test_a_server_that_takes_forged_requests(authority: Authority) -> None:
    async with (
        serving(Starlette(routes=[Route("/{path:path}", nothing_is_signed, methods=["POST"])])) as origin,
        proxied(origin, authority.serving()) as public_url,
    ):
        found = await looked(front.signed_requests, public_url, authority)
    assert found == Finding(
        "failure", "The server takes what is forged.", "Something answers in its place: see the proxy."
    )


async def test_a_server_that_was_told_another_address(tmp_path: Path, authority: Authority) -> None:
    # It was started with the loopback address, and the signature covers the public one.
    async with deployed(tmp_path, authority) as public_url:
        found = await looked(front.signed_requests, public_url, authority)
    assert found.verdict == "failure"
    assert "PUBLIC_URL" in found.remedy


async def test_a_proxy_that_passes_no_forms_on(authority: Authority) -> None:
    async with (
        serving(Starlette(routes=[Route("/{path:path}", welcome)])) as origin,
        proxied(origin, authority.serving()) as public_url,
    ):
        found = await looked(front.signed_requests, public_url, authority)
    assert found.said == "The webhooks answer HTTP 405."
    assert TOKEN not in found.said + found.remedy
