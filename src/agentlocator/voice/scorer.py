"""The neural speech detector: Silero at 8 kHz through onnxruntime, outside the core that asks for it.

It answers how likely the caller's sound is speech, 0..1, and never decides anything. Only the weights of the
`silero_vad` package are used; the package itself is never imported, because that would load a training framework.
"""

import importlib.util
from collections import deque
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from agentlocator.audio.g711 import DECODE_TABLE

Samples = npt.NDArray[np.float32]

WINDOW_BYTES: Final = 256
"""32 ms, the only window that the model takes at 8 kHz."""

WEIGHTS: Final = ("silero_vad_op18_ifless.onnx", "silero_vad.onnx")
"""Files that know 8 kHz, the cheaper first."""


class ScorerUnavailable(Exception):
    """The weights are not installed: calls run without the neural detector, and a readiness check should say so."""


class SpeechModel:
    """The loaded weights, one for the process; every call has its own `SpeechScorer` on it."""

    def __init__(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        # A window takes 70 µs: threads would cost more than they give, and would steal from the media path.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(8000, dtype=np.int64)

    @classmethod
    def load(cls) -> "SpeechModel":
        """Raises ScorerUnavailable when no weights that know 8 kHz are installed."""
        return cls(weights_path())

    def bind(self, window: Samples, state: Samples, answer: Samples, state_after: Samples) -> Any:
        """A run that reads and writes these very arrays: a fifth cheaper than handing them in and out."""
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("input", _shared(window))
        binding.bind_ortvalue_input("state", _shared(state))
        binding.bind_ortvalue_input("sr", _shared(self._rate))
        binding.bind_ortvalue_output("output", _shared(answer))
        binding.bind_ortvalue_output("stateN", _shared(state_after))
        return binding

    def run(self, binding: Any) -> None:
        """One window."""
        self._session.run_with_iobinding(binding)


class SpeechScorer:
    """One caller's stream of windows, with the model's memory of it."""

    def __init__(self, model: SpeechModel) -> None:
        self._model = model
        # Each window repeats the last 32 samples of the one before.
        self._window = np.zeros((1, _CONTEXT + WINDOW_BYTES), np.float32)
        self._answer = np.zeros((1, 1), np.float32)
        # What the model writes as its memory it reads in the next run.
        states = [np.zeros((2, 1, 128), np.float32) for _ in range(2)]
        self._states = deque(states)
        self._runs = deque(
            model.bind(self._window, before, self._answer, after) for before, after in (states, states[::-1])
        )

    def score(self, audio: bytes, fresh: bool = False, glance: bool = False) -> float:
        """The probability of speech in the last 32 ms of `audio`: µ-law, a whole number of 256-byte windows.

        `fresh` forgets what was heard before. A `glance` is forgotten itself: 288 bytes, one window and what leads in.
        About 70 µs for each window.
        """
        if glance:
            return self._glance(audio)
        assert audio, "there is nothing to score"
        assert len(audio) % WINDOW_BYTES == 0, f"{len(audio)} bytes are no whole number of windows"
        if fresh:
            self._window.fill(0.0)
            self._states[0].fill(0.0)
        window = self._window[0]
        for at in range(0, len(audio), WINDOW_BYTES):
            window[:_CONTEXT] = window[WINDOW_BYTES:]
            window[_CONTEXT:] = _LINEAR[np.frombuffer(audio, np.uint8, WINDOW_BYTES, at)]
            self._model.run(self._runs[0])
            self._runs.rotate()
            self._states.rotate()
        return float(self._answer[0, 0])

    def _glance(self, audio: bytes) -> float:
        assert len(audio) == _CONTEXT + WINDOW_BYTES, f"{len(audio)} bytes are no window with its lead"
        window = self._window[0]
        context = window[WINDOW_BYTES:].copy()
        window[:] = _LINEAR[np.frombuffer(audio, np.uint8)]
        # What it would remember is written where the next run writes.
        self._model.run(self._runs[0])
        window[WINDOW_BYTES:] = context
        return float(self._answer[0, 0])


def weights_path() -> Path:
    """Where the weights lie; raises ScorerUnavailable when they do not."""
    package = importlib.util.find_spec("silero_vad")
    folders = list(package.submodule_search_locations or ()) if package else []
    for name in WEIGHTS:
        for folder in folders:
            weights = Path(folder) / "data" / name
            if weights.is_file():
                return weights
    raise ScorerUnavailable("the silero_vad package with its 8 kHz weights is not installed")


def _shared(array: npt.NDArray[Any]) -> Any:
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)


_CONTEXT: Final = 32
_LINEAR: Final = (DECODE_TABLE / np.float32(32768)).astype(np.float32)
