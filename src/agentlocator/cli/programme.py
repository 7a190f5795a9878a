"""What a person watches while a call is played: the transcript as it happens, then the evidence."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.play import Scenario

_WHO = {"assistant": ("assistant", "cyan"), "caller": ("caller", "yellow"), "keypad": ("keypad", "magenta")}


class Programme:
    """Prints to a console; quiet consoles print nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, scenario: Scenario) -> None:
        self._console.print(f"[bold]{scenario.name}[/bold] · {scenario.title}\n")

    def watch(self, business: str, at_ms: int, _event: on.Event, commands: list[do.Command]) -> None:
        """Shows what is worth a line; `business` tells apart calls that run at once."""
        del business
        for command in commands:
            match command:
                case do.RecordTurn():
                    self._turn(command)
                case do.InvokeTool():
                    self._note(at_ms, f"tool {command.name} {command.arguments}", "green")
                case do.ReportBargeIn():
                    heard = f", {command.heard_ms} ms heard" if command.verdict == "commit" else ""
                    self._note(at_ms, f"{command.verdict}: {command.reason}{heard}", "red")
                case do.RaiseAlarm():
                    self._note(at_ms, f"ALARM {command.code}: {command.detail}", "bold red")
                case do.FinishCall():
                    self._note(at_ms, f"call over: {command.outcome}", "dim")

    def evidence(self, call: Evidence) -> None:
        """The table at the end."""
        table = Table(title=f"{call.business} · {call.call_sid}", show_header=False, title_justify="left")
        latencies = [turn.latency_ms for turn in call.turns if turn.latency_ms is not None]
        rows = {
            "outcome": call.outcome,
            "lead": _row(call.lead, "id", "name", "phone"),
            "appointment": _row(call.appointment, "id", "status", "starts_local"),
            "frames": f"tx {call.tx}, rx {call.rx}, sizes {call.frame_bytes}",
            "bit for bit": "yes" if call.bit_exact else "NO",
            "greeting": f"{call.greeting_ms} ms after the stream opened",
            "answers": f"{latencies} ms",
            "model": f"{call.model_connections} connection(s), errors {call.model_errors or 'none'}",
            "alarms": "; ".join(call.alarms) or "none",
            "complaints": "; ".join(call.complaints) or "none",
            "journal": call.journal,
            "recording": call.recording,
        }
        for label, value in rows.items():
            if value:
                table.add_row(label, visual(str(value)))
        self._console.print(table)

    def _turn(self, turn: do.RecordTurn) -> None:
        who, colour = _WHO[turn.speaker]
        line = Text(f"{turn.started_ms / 1000:7.2f}s  ")
        line.append(f"{who:10}", style=colour)
        line.append(visual(turn.text or "…"))
        details = []
        if turn.latency_ms is not None:
            details.append(f"answered in {turn.latency_ms} ms")
        if turn.interrupted:
            details.append(f"interrupted: {turn.heard_ms} of {turn.generated_ms} ms heard")
        line.append(f"  {', '.join(details)}" if details else "", style="dim")
        self._console.print(line, soft_wrap=True)

    def _note(self, at_ms: int, text: str, style: str) -> None:
        self._console.print(Text(f"{at_ms / 1000:7.2f}s  {'':10}{visual(text)}", style=style), soft_wrap=True)


def visual(text: str) -> str:
    """The text, isolated when it holds Hebrew, so that a terminal with bidi keeps the line's other parts in place."""
    if any(unicodedata.bidirectional(letter) == "R" for letter in text):
        return f"\u2068{text}\u2069"
    return text


def _row(row: dict[str, object] | None, *names: str) -> str:
    return " · ".join(str(row[name]) for name in names if row.get(name)) if row else ""
