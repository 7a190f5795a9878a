"""The thresholds of the ear: what counts as a sound worth a closer look, and as speech. It measures nothing itself."""

from typing import Final

import msgspec


class EarPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as a sound worth a closer look, and as speech. Levels are RMS of 20 ms, dB below full scale."""

    # The gate: louder than the line, and than what any telephone's own noise would be.
    gate_over_floor_db: float = 5.0
    gate_dbfs: float = -54.0
    gate_hang_ms: int = 160
    speech_hang_ms: int = 320

    # The neural detector's probability at which a window says nothing, and at which it says all it can.
    doubtful_probability: float = 0.30
    certain_probability: float = 0.65
    speech_probability: float = 0.40
    # A doubtful probability will do where the voicing is beyond doubt.
    possible_probability: float = 0.20
    possible_voicing: float = 0.75
    evidence_ceiling_ms: float = 250.0

    voiced: float = 0.70
    tone_voicing: float = 0.85
    # Quieter than the candidate's own loudest frame by more than this is its reverberation, not its speech.
    tail_db: float = 18.0
    # Sounds closer together than this are one utterance: the closure of a consonant lasts 60 to 120 ms.
    bridge_ms: int = 120
    # Two words with a longer pause between them: the pause counts as that much, if it is not this long.
    longest_bridge_ms: int = 280
    # So much of the sound before the first recognised frame counts with it.
    lead_ms: int = 80
    # Our own voice explains the sound when it leaves less than this much of it over.
    echo_db: float = 6.0
    # On a line that echoed within the last second, this is enough.
    known_echo_db: float = 4.0
    # Where it is hardly louder than that echo should be, even this.
    echo_margin_db: float = 5.0
    faint_echo_db: float = 2.0
    # In noise it explains little; then it is enough that the rest is hardly more than that noise.
    echo_rest_db: float = 3.0
    least_echo_db: float = 0.7
    # So much leaves no room for anybody else: while it lasts nothing need be asked.
    plain_echo_db: float = 8.0
    echo_window_ms: int = 100
    echo_from_ms: float = 16.0
    echo_thorough_ms: int = 80

    # A noise that the neural detector denied for so many frames is not shown to it for as many, unless it rises.
    dull_frames: int = 16
    dull_margin_db: float = 0.0

    # A sound that may be the beginning of speech is looked at in every frame, also where no whole window is new.
    glance_until_ms: int = 160

    # Only what may be speech is worth an impression, until a pause in it is too long for a consonant's closure.
    closure_ms: int = 80

    # In his own turn, once he certainly speaks, the detector is asked every so many frames only.
    idle_certain_ms: float = 110.0
    idle_frames: int = 15

    # Without an answer for so long the ear judges by voicing alone.
    patience_ms: int = 240
    blind_over_floor_db: float = 10.0


USUAL: Final = EarPolicy()
