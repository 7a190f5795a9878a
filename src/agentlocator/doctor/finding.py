"""What a check has to say: a verdict, a sentence, and for whatever is not well the remedy."""

from __future__ import annotations

from typing import Literal

import msgspec

from agentlocator.provision.trouble import Trouble

Verdict = Literal["ok", "warning", "failure", "skipped"]


class Finding(msgspec.Struct, frozen=True):
    """A failure stops calls; a warning will, or makes them worse. It holds no secret."""

    verdict: Verdict
    said: str
    remedy: str = ""
    check: str = ""


def ok(said: str) -> Finding:
    return Finding("ok", said)


def warning(said: str, remedy: str) -> Finding:
    return Finding("warning", said, remedy)


def failure(said: str, remedy: str) -> Finding:
    return Finding("failure", said, remedy)


def trouble(found: Trouble) -> Finding:
    return Finding("failure", found.fault, found.remedy)
