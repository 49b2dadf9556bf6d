"""Untyped names of PyTensor, whose annotations are incomplete."""

from typing import Any

import pytensor
import pytensor.tensor

type Tensor = Any  # a symbolic array
_pytensor: Any = pytensor
pt: Any = pytensor.tensor
shared: Any = _pytensor.shared
function: Any = _pytensor.function
