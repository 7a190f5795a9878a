"""Waiting for something that happens in other threads and processes, where there is no event to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LOOK_AGAIN_S = 0.02


async def until(is_so: Callable[[], Awaitable[bool]], within_s: float = 30) -> None:
    """Wait until something is so. Raises TimeoutError when it is not in time."""
    async with asyncio.timeout(within_s):
        while True:
            if await is_so():
                return
            await asyncio.sleep(LOOK_AGAIN_S)
