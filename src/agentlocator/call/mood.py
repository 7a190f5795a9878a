"""The mood of a call: who speaks, who waits for whom, and since when, at one moment.

Facts are stored, by the small machine each belongs to. A mood is derived from the facts of many, anew whenever one may
have changed, and never stored. Whatever is due by more than its own machine's facts is a function of it.
"""

from __future__ import annotations

import msgspec


class Mood(msgspec.Struct, frozen=True):
    """Times are milliseconds of the call.

    `live`: the caller can hear and be heard; `ending`: it is decided that the call ends; `session_up`: the model can be
    told something. `caller_talking` is what the model's server hears, `caller_last_heard_ms` what our own ear heard.
    `answer_owed`: the next word is ours. `quiet_since_ms` is when anything last happened in the silence, and
    `sound_ended_ms` when either side's last word or key was over.
    """

    now_ms: int
    live: bool = False
    ending: bool = False
    session_up: bool = False
    assistant_speaking: bool = False
    caller_talking: bool = False
    caller_typing: bool = False
    caller_last_heard_ms: int = 0
    answer_owed: bool = False
    response_under_way: bool = False
    tools_running: bool = False
    quiet_since_ms: int = 0
    sound_ended_ms: int = 0

    @property
    def somebody_speaks(self) -> bool:
        """A key is a word, too."""
        return self.assistant_speaking or self.caller_talking or self.caller_typing

    @property
    def idle(self) -> bool:
        """Nobody speaks and nothing is under way."""
        return not (self.response_under_way or self.tools_running or self.somebody_speaks)

    @property
    def owing(self) -> bool:
        """The caller waits for something: silence is ours to explain."""
        owed = self.answer_owed or self.response_under_way or self.tools_running
        return owed and self.live and not self.somebody_speaks
