"""What the machine gives: settings, files that are nobody else's to read, room on the disk, the right time."""

from __future__ import annotations

import stat
import tempfile
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2

from agentlocator.config import SettingsError
from agentlocator.doctor.finding import Finding, failure, ok, warning
from agentlocator.doctor.patient import Patient

# A call's journal takes about a megabyte a minute.
LEAST_FREE: Final = 200 * 1024 * 1024
COMFORTABLE: Final = 2 * 1024 * 1024 * 1024
# A stream's token lives for 60 s and an operator's code for 30.
CLOCK_WRONG_S: Final = 20
CLOCK_OFF_S: Final = 3

KEPT: Final = ("vault_key", "media_token_secret")


async def settings(patient: Patient) -> Finding:
    if patient.complete is None:
        lines = [line.strip() for line in patient.incomplete.splitlines()]
        return failure(" ".join(lines), "Set what is named, in the environment or in .env, or run: agentlocator init.")
    return ok(f"Complete. Calls come to {patient.settings.public_url}.")


async def files(patient: Patient) -> Finding:
    named = [patient.env_file, *(patient.storage.data_dir / name for name in KEPT)]
    readable = [str(path) for path in named if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if readable:
        return failure(f"Others on this machine can read {', '.join(readable)}.", f"chmod 600 {' '.join(readable)}")
    return ok("No secret's file is open to others.")


async def disk(patient: Patient) -> Finding:
    folder = patient.storage.data_dir
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"0")
    except OSError as fault:
        return failure(
            f"Nothing can be written to DATA_DIR ({folder}): {fault.strerror}.",
            f"mkdir -p {folder}, and make it belong to whom the server runs as.",
        )
    free = patient.free_bytes(folder)
    said = f"{free // 1024**2} MiB are free under {folder}."
    if free < LEAST_FREE:
        return failure(said, "Make room, or move DATA_DIR to a larger disk; the next calls cannot be kept.")
    if free < COMFORTABLE:
        return warning(said, "Make room: a minute of call takes about a megabyte.")
    return ok(said)


async def clock(patient: Patient) -> Finding:
    off_s = await _off_s(patient)
    if off_s is None:
        return warning(
            "No peer told the time, so the clock was compared with nobody's.",
            "See whether this machine reaches the network; timedatectl shows whether its clock is kept right.",
        )
    said = f"The clock is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the peers'."
    if abs(off_s) > CLOCK_WRONG_S:
        return failure(said, "Keep it right: timedatectl set-ntp true (or chrony). Tokens and codes live for seconds.")
    if abs(off_s) > CLOCK_OFF_S:
        return warning(said, "Keep it right: timedatectl set-ntp true (or chrony).")
    return ok("The clock agrees with the peers'.")


async def _off_s(patient: Patient) -> float | None:
    """How far this clock is ahead of a peer's, by what any answer of theirs carries."""
    for url in (patient.settings.twilio_api_url, f"{patient.settings.openai_api_url}/models"):
        try:
            answer = await patient.http.get(url, timeout=10)
            theirs = parsedate_to_datetime(answer.headers["date"])
        except (httpx2.HTTPError, KeyError, ValueError, TypeError):
            continue
        return (patient.now() - _aware(theirs)).total_seconds()
    return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def kept_key(patient: Patient) -> str | None:
    """The vault's key, if there is one; none is made."""
    has_key = patient.storage.vault_key is not None or Path(patient.storage.data_dir / "vault_key").exists()
    try:
        return patient.storage.sealing_key() if has_key else None
    except SettingsError:
        return None
