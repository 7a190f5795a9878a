"""The numbers of `call.likelihood`, written by `python -m bench.bargein.train --write`: never by hand."""

from typing import Final

# A row for each witness, a column for each of `likelihood.MEASURES`.
WEIGHTS: Final = (
    (0, 6.322, 0, 1.883, 0, 0.588, 3.157, -0.6433, 0),
    (1.127, 1.201, 0, 1.192, 0, -0.04806, 0.01148, -0.3311, 0),
    (0.1715, 0.9354, 0, 0.2199, 0.8443, 0.2958, -4.159, -0.6944, -3.507),
    (0.4465, 2.175, -1.326, 0, 0, 0.1849, 1.259, -0.1427, -0.3049),
)
BIASES: Final = (-11.29, -5.77, 5.453, -3.236)
VOTES: Final = (1.402, 2.506, 2.924, 2.702)
OFFSET: Final = 0.7039
