"""`agentlocator floor`: the ear and the floor machine that calls use, for any labelled audio a stranger brings."""

from __future__ import annotations

import sys

import typer

from agentlocator import floor_protocol
from agentlocator.call.floor import FloorPolicy
from agentlocator.voice.scorer import ScorerUnavailable, SpeechModel


def floor() -> None:
    """Read frames as JSON lines on stdin; answer each with the floor's decisions on stdout."""
    try:
        model = SpeechModel.load()
    except ScorerUnavailable as fault:
        typer.echo(f"{fault}: the ear works by voicing alone. Remedy: make setup", err=True)
        model = None
    floor_protocol.serve(sys.stdin, sys.stdout, model, FloorPolicy())
