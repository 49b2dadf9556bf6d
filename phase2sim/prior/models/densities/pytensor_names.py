"""PyTensor's operations, named once: its annotations are partial, so they are taken as untyped."""

from typing import Any

import pytensor
import pytensor.tensor

type Tensor = Any  # a symbolic array; shapes are written where a value is defined
_pytensor: Any = pytensor
pt: Any = pytensor.tensor
shared: Any = _pytensor.shared
function: Any = _pytensor.function
