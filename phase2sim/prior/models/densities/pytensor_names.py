"""Untyped names of PyTensor, whose annotations are incomplete."""

from typing import Any

import pytensor
import pytensor.tensor
from pytensor.configdefaults import config

type Tensor = Any  # a symbolic array
_pytensor: Any = pytensor
pt: Any = pytensor.tensor
shared: Any = _pytensor.shared
function: Any = _pytensor.function

# With fast maths a function compiled now and one from the compiler's cache differ in the last
# digit, and so do the chains. Without it the same evidence gives the same draws. A function is
# compiled when it is first called, which may be later: so this holds everywhere, not in a block.
config.numba__fastmath = False
