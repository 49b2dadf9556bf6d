"""PyTensor's operations, named once: its annotations are partial, so they are taken as untyped."""

from typing import Any

import pytensor.tensor
from pytensor.compile.sharedvalue import shared as _shared

type Tensor = Any  # a symbolic array; shapes are written where a value is defined
pt: Any = pytensor.tensor
shared: Any = _shared
