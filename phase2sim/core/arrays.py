"""Array types that everything shares, by what they hold."""

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


type Ints = NDArray[np.int64]


type Arms = NDArray[np.int8]


type Bools = NDArray[np.bool_]
