"""Passwords: argon2id at a cost a server can pay, in threads of their own and never too many at once.

It never keeps a password, and takes as long for a person who does not exist as for one who does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

T = TypeVar("T")

LEAST_LENGTH = 10
# A longer text only costs time to read.
MOST_LENGTH = 256

_THREADS = 2
# Thirty milliseconds each: whoever comes later would wait too long to be a person at a form.
_MOST_WAITING = 32


class TooBusy(Exception):
    """More people are logging in at this moment than the server will take on."""


class Passwords:
    """Hashes and checks passwords off the event loop. One per process; `close` it."""

    def __init__(self) -> None:
        # The least that OWASP recommends; the library's defaults would hand 64 MiB to every guess.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """The password's hash, for the database. Raises TooBusy."""
        return await self._in_a_thread(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password. Without a hash the answer is no, after the same work. Raises TooBusy."""
        right = await self._in_a_thread(lambda: self._is_right(password_hash or self._nobody, password))
        return right and password_hash is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_right(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password[:MOST_LENGTH])
        except VerificationError:
            return False

    async def _in_a_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise TooBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
