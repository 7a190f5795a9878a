"""The bridge as the process it is, with WhatsApp simulated where Baileys' socket would be."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec

BRIDGE = Path(__file__).parents[2] / "whatsapp-bridge"
SECRET = "a secret that is as long as it must be"


class BridgeProcess:
    """A bridge that can be killed and started again on what it kept. Port 0 takes any free one."""

    def __init__(self, state: Path, *, server_url: str, phones_url: str, port: int = 0) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "BRIDGE_SECRET": SECRET,
            "AGENTLOCATOR_URL": server_url,
            "BRIDGE_STATE": str(state),
            "BRIDGE_PORT": str(port),
            "BRIDGE_PACE_MS": "0",
            "BRIDGE_SOCKET": str(BRIDGE / "src" / "simulated_socket.mjs"),
            "WHATSAPP_URL": phones_url,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Answers where it listens."""
        self._process = await asyncio.create_subprocess_exec(
            "node", str(BRIDGE / "src" / "main.mjs"), env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        said = msgspec.json.decode(await self._process.stdout.readline())
        return f"http://127.0.0.1:{said['listening']}"

    async def kill(self) -> None:
        """As a machine that loses its power."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
