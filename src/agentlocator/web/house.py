"""What the dashboard is given by the deployment: the database, its public address, and where calls are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from agentlocator.call.sight import Glimpse
from agentlocator.clock import Clock, utc_now
from agentlocator.db.engine import Database
from agentlocator.db.scope import Scope
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.vault import Vault
from agentlocator.provision.setup import Setup
from agentlocator.web.recordings import Recordings
from agentlocator.web.single_sign_on import SingleSignOn


class WriteAsPerson(Protocol):
    """Puts a person's letter into a thread and on its way; None when there is nowhere to send it."""

    def __call__(self, scope: Scope, conversation_id: int, text: str, *, now: datetime) -> Awaitable[int | None]: ...


class PairedPhone(msgspec.Struct, frozen=True):
    """How a business's paired phone is: `state` is starting, pairing, open, waiting or stopped; `score` 0 to 100.

    `qr` is the text of the code to scan, `code` what to type instead; both only while it is pairing.
    """

    state: str
    score: int
    reason: str = ""
    qr: str = ""
    code: str = ""
    sent_today: int = 0
    day_limit: int = 0


class NoAnswer(Exception):
    """Whoever was asked gave no answer; asking again later may help."""


class Phones(Protocol):
    """The phones that businesses pair with this server for WhatsApp. Each verb raises NoAnswer."""

    async def look(self, business_id: int) -> PairedPhone: ...

    async def pair(self, business_id: int, *, phone: str) -> PairedPhone:
        """Begin to pair, by QR, or by a code for a phone given in digits."""

    async def log_out(self, business_id: int) -> None: ...


class Following(Protocol):
    """One reader of a business's calls; `closed` once nothing more will come."""

    closed: bool

    async def news(self, within_s: float) -> list[Glimpse]: ...


class Ear(Protocol):
    """One listener to a call; `closed` once it is over."""

    closed: bool

    async def sound(self, within_s: float) -> bytes: ...


class TestCall(msgspec.Struct, frozen=True):
    """A call that a page may join: over the media stream at `media`, with a token that is good once."""

    __test__ = False

    call: str
    token: str
    media: str


class Audience(Protocol):
    """The calls that run now: to be watched, listened to, ended, and handed to a number of the business."""

    def follow(self, business_id: int) -> AbstractContextManager[Following]: ...

    def listen(self, business_id: int, call_sid: str) -> AbstractContextManager[Ear | None]: ...

    def runs(self, business_id: int, call_sid: str) -> bool: ...

    def end(self, business_id: int, call_sid: str) -> bool: ...

    def put_through(self, business_id: int, call_sid: str, label: str) -> bool: ...


class House(msgspec.Struct, frozen=True):
    """One deployment, as its dashboard knows it.

    `public_url` is an origin without a path; `journal_of(business_id, call_sid)` is where a call's journal is, if there
    is one. Without `write_as_person` nobody can be written to, without `phones` no phone can be paired, without
    `audience` no call can be watched, without `setup` no number or credential changed, and without `single_sign_on`
    people come in by password alone. `session_of` is what a business's call that began now would ask of the model.
    `test_call(business_id, keeps)` begins a test call, unless too many run.
    """

    db: Database
    public_url: str
    passwords: Passwords
    vault: Vault
    journal_of: Callable[[int, str], Path]
    now: Clock = utc_now
    write_as_person: WriteAsPerson | None = None
    phones: Phones | None = None
    audience: Audience | None = None
    session_of: Callable[[BusinessProfile, datetime], dict[str, Any]] | None = None
    single_sign_on: SingleSignOn | None = None
    recordings: Recordings = msgspec.field(default_factory=Recordings)
    setup: Setup | None = None
    test_call: Callable[[int, bool], Awaitable[TestCall | None]] | None = None

    @property
    def is_secure(self) -> bool:
        return self.public_url.startswith("https://")
