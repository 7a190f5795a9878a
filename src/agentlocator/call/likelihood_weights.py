"""The numbers of `call.likelihood`, written by `python -m bench.bargein.train --write`: never by hand."""

from typing import Final

# A row for each witness, a column for each of `likelihood.MEASURES`.
WEIGHTS: Final = (
    (0, 2.228, 0, 3.466, 2.76, 0.1247, 3.061, -0.5282, 0),
    (0.4104, 2.267, -1.057, 0, 0, 0.2998, 0.9251, -0.1805, -0.6063),
    (0.2338, 2.322, 0, 0, 0.06566, 0.3595, -4.031, -0.5253, 0),
    (0.9942, 3.716, -0.1885, 0.9836, 0, 0.05613, 1.059, -0.6125, 0),
)
BIASES: Final = (-17.05, -3.017, 5.617, -9.044)
VOTES: Final = (1.785, 3.26, 3.042, 2.283)
OFFSET: Final = 1.044
