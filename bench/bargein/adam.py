"""Adam, the rule by which fits take their steps (Kingma and Ba, 2015). It knows no loss and no data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class Adam:
    """For one fit; `place` is changed in place, list item by list item."""

    def __init__(self, place: list[npt.NDArray[Any]], memory: float = 0.999) -> None:
        self._place = place
        self._memory = memory
        self._means = [np.zeros_like(part) for part in place]
        self._squares = [np.zeros_like(part) for part in place]
        self._steps = 0

    def step(self, slopes: Sequence[npt.NDArray[Any]], rate: float, decay: float = 0.0) -> None:
        """Downhill by about `rate`; `decay` of each number is lost with it (Loshchilov and Hutter, 2019)."""
        self._steps += 1
        for number, slope in enumerate(slopes):
            mean, square = self._means[number], self._squares[number]
            self._means[number] = mean = 0.9 * mean + 0.1 * slope
            self._squares[number] = square = self._memory * square + (1 - self._memory) * slope**2
            stride = mean / (1 - 0.9**self._steps) / (np.sqrt(square / (1 - self._memory**self._steps)) + 1e-8)
            self._place[number] = self._place[number] - rate * (stride + decay * self._place[number])
