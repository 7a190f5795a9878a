"""The neural speech detector: Silero at 8 kHz through onnxruntime, outside the core that asks for it.

It answers how likely the caller's sound is speech, 0..1, and never decides anything. Only the weights of the
`silero_vad` package are used; the package itself is never imported, because that would load a training framework.
"""

import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from agentlocator.audio.g711 import DECODE_TABLE

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
        # A window takes 80 µs: threads would cost more than they give, and would steal from the media path.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(8000, dtype=np.int64)

    @classmethod
    def load(cls) -> "SpeechModel":
        """Raises ScorerUnavailable when no weights that know 8 kHz are installed."""
        return cls(weights_path())

    def run(
        self, window: npt.NDArray[np.float32], state: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """One window of shape (1, 288), its first 32 samples repeated from before; state of shape (2, 1, 128)."""
        inputs = {"input": window, "state": state, "sr": self._rate}
        probability, state = self._session.run(None, inputs)
        return float(probability[0, 0]), state


class SpeechScorer:
    """One caller's stream of windows, with the model's memory of it."""

    _input: npt.NDArray[np.float32]
    _state: npt.NDArray[np.float32]

    def __init__(self, model: SpeechModel) -> None:
        self._model = model
        self._forget()

    def score(self, audio: bytes, fresh: bool) -> float:
        """The probability of speech in the last 32 ms of `audio`: µ-law, a whole number of 256-byte windows.

        `fresh` forgets what was heard before. About 80 µs for each window.
        """
        assert audio, "there is nothing to score"
        assert len(audio) % WINDOW_BYTES == 0, f"{len(audio)} bytes are no whole number of windows"
        if fresh:
            self._forget()
        probability = 0.0
        for at in range(0, len(audio), WINDOW_BYTES):
            self._input[0, :_CONTEXT] = self._input[0, WINDOW_BYTES:]
            self._input[0, _CONTEXT:] = _LINEAR[np.frombuffer(audio, np.uint8, WINDOW_BYTES, at)]
            probability, self._state = self._model.run(self._input, self._state)
        return probability

    def _forget(self) -> None:
        self._input = np.zeros((1, _CONTEXT + WINDOW_BYTES), dtype=np.float32)
        self._state = np.zeros((2, 1, 128), dtype=np.float32)


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


_CONTEXT: Final = 32
_LINEAR: Final = (DECODE_TABLE / np.float32(32768)).astype(np.float32)
