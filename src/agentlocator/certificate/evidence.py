"""What a certification call showed: one plain value, gathered by `inquiry` and judged by `judge`.

Facts only: as they were seen at the carrier, at the model, in the log, in the journal and in the rows. No verdict is
in here, and nothing in here can be asked again.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

BUILT_IN: Final = "built-in"
"""The caller that comes with the product; any other is a number at the real carrier."""


class About(msgspec.Struct, frozen=True):
    """Which deployment, which business, when. `caller`: `BUILT_IN`, or the second number of a real carrier call.

    `model_ends_on` is the model's known shutdown date, ISO, if there is one; `today` is what it is held against.
    """

    business_id: int
    business: str
    number: str
    url: str
    caller: str
    version: str
    at: str
    today: str
    timezone: str
    model: str
    model_host: str
    model_ends_on: str = ""


class Knock(msgspec.Struct, frozen=True):
    """Somebody who must not get in, and the answer he got."""

    name: str
    answer: str
    refused: bool


class Answered(msgspec.Struct, frozen=True):
    """How the server took the call. `fault` is empty when it did: otherwise what the carrier was told.

    `status` is the webhook's HTTP status, 0 when nobody answered. `verbs` are the TwiML's elements before its stream.
    """

    fault: str = ""
    status: int = 0
    verbs: tuple[str, ...] = ()
    streams: int = 0


class Session(msgspec.Struct, frozen=True):
    """The model's session. `asked` is what our side configured, `got` what the model's end holds where it can be seen.

    `connections` counts attempts; `lost` are the reasons for which they ended, `differences` what the model did not
    take over.
    """

    asked: dict[str, Any] = {}
    got: dict[str, Any] = {}
    connections: int = 0
    confirmed: bool = False
    usable: bool = True
    differences: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Frames(msgspec.Struct, frozen=True):
    """The media. `sizes` counts payloads by their bytes as the carrier got them, `sent` as they left us."""

    sizes: dict[int, int] = {}
    sent: dict[int, int] = {}
    produced_ms: int = 0
    received: int = 0
    bit_exact: bool = True
    violations: tuple[str, ...] = ()


class Sound(msgspec.Struct, frozen=True):
    """How loud each side was, and for how long it was audible.

    `assistant_voiced`: the share of it that vocal cords made.
    Peaks are of 40 ms each, 0 to 1.
    """

    caller_ms: int = 0
    caller_dbfs: float = -99.0
    assistant_ms: int = 0
    assistant_dbfs: float = -99.0
    assistant_voiced: float = 0.0
    caller_peaks: tuple[float, ...] = ()
    assistant_peaks: tuple[float, ...] = ()


class Spoken(msgspec.Struct, frozen=True):
    """One turn. `interrupted`: `heard_ms` of `generated_ms` reached the caller."""

    speaker: str
    text: str
    at_ms: int
    latency_ms: int | None = None
    interrupted: bool = False
    heard_ms: int = 0
    generated_ms: int = 0


class Interruption(msgspec.Struct, frozen=True):
    """A caller who spoke into an answer. `stop_ms`: from his first sound to the assistant's last, in his ear."""

    at_ms: int
    committed: bool
    stop_ms: int
    answered: bool


class ToolRun(msgspec.Struct, frozen=True):
    """One tool call: what was asked and answered, and whether it was done."""

    name: str
    at_ms: int
    arguments: str
    ok: bool | None
    output: str


class Written(msgspec.Struct, frozen=True):
    """What is sent in writing while the call runs, and whether the hook after a call is on."""

    during: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    hook_on: bool = False


class Strangers(msgspec.Struct, frozen=True):
    """Other businesses: how many, and where something of theirs was found in this call. `doors` are tries to get in."""

    others: int = 0
    words: int = 0
    leaks: tuple[str, ...] = ()
    doors: tuple[Knock, ...] = ()


class Evidence(msgspec.Struct, frozen=True):
    """All of it. Empty parts are what could not be seen because the call did not come that far."""

    about: About
    answered: Answered = Answered()
    doors: tuple[Knock, ...] = ()
    other_engines: tuple[str, ...] = ()
    call_sid: str = ""
    outcome: str = ""
    duration_ms: int = 0
    session: Session = Session()
    expected_prompt: str = ""
    custom_prompt: str = ""
    frames: Frames = Frames()
    sound: Sound = Sound()
    greeting: str = ""
    greeted: str = ""
    greeted_by_model: bool = False
    turns: tuple[Spoken, ...] = ()
    noise_made: bool = False
    noise_stopped_it: bool = False
    interruptions: tuple[Interruption, ...] = ()
    interrupting: bool = False
    keys_pressed: str = ""
    keys_arrived: str = ""
    keys_to_model: tuple[str, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    lead_was_there: bool = False
    lead: dict[str, Any] | None = None
    appointment: dict[str, Any] | None = None
    log: tuple[str, ...] = ()
    tx: int | None = None
    rx: int | None = None
    alarms: tuple[str, ...] = ()
    written: Written = Written()
    strangers: Strangers = Strangers()
    left: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    journal: str = ""
