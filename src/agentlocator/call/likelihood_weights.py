"""The numbers of `call.likelihood`, written by `python -m bench.bargein.train --write`: never by hand."""

from typing import Final

# A row for each witness, a column for each of `likelihood.MEASURES`.
WEIGHTS: Final = (
    (0.1009, 2.535, -0.2867, 0.8538, 0, 0.2573, 2.482, -1.356, 0),
    (1.062, 0, -0.2823, 1.919, 0.05683, 0.02747, -0.3475, 0, 0),
    (0.2788, 5.066, 0, 0, 0.4139, 0.2142, -3.36, 0, -2.105),
    (0.3693, 0, -1.475, 0, 0, 0.2374, 1.952, -0.1928, 0),
)
BIASES: Final = (-4.733, -5.306, -0.5553, -1.541)
VOTES: Final = (1.612, 2.125, 2.573, 2.765)
OFFSET: Final = 0.3899
