"""Log densities by row as single PyTensor operations with their own gradients.

As separate operations, with automatic gradients, they would take a third of the time to compile the
model.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.core.arrays import Floats, Ints
from phase2sim.prior.models.densities.calls_by_name import kernel_by_name
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


def points_of(*columns: tuple[Tensor, Ints]) -> Tensor:
    """Points (row, point): each column, or block of columns, is a vector at these positions.

    All come from one long vector: taken and stacked one by one they, and their gradients, would be
    a quarter of the model's operations.
    """
    vectors = {id(vector): vector for vector, _ in columns}
    sizes = [vector.type.shape[0] for vector in vectors.values()]
    starts = dict(zip(vectors, np.cumsum([0, *sizes]), strict=False))
    index = [
        starts[id(vector)] + np.reshape(position, (len(position), -1))
        for vector, position in columns
    ]
    whole: Tensor = pt.concatenate(list(vectors.values()))
    return whole[np.concatenate(index, axis=1)]


class RowDensity(Op):
    """Log density (row,) at points (row, point), given constant arrays.

    ``kernel`` takes the points and the constants, and returns the density and its gradient (row,
    point) by the points.
    """

    __props__ = ("name",)

    def __init__(self, name: str, kernel: Callable[..., tuple[Floats, Floats]]) -> None:
        self.name = name
        self.kernel = kernel

    def of(self, points: Tensor, *constants: Tensor) -> Tensor:
        """Log density (row,) as an expression in the points (row, point) and the constants."""
        outputs: Tensor = self(points, *constants)
        return outputs[0]

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Build the node; raises ``ValueError`` if the inputs differ in their number of rows."""
        typed = [pt.as_tensor(value, dtype="float64") for value in inputs]
        points = typed[0]
        rows = {value.type.shape[0] for value in typed} - {None}
        if len(rows) > 1:  # else the kernel reads out of bounds
            raise ValueError(f"{self.name}: rows of {sorted(rows)}, and all must have as many")
        density = pt.tensor(dtype="float64", shape=points.type.shape[:1])
        return Apply(self, typed, [density, points.type()])

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate in Python."""
        del node
        for storage, value in zip(outputs, self.kernel(*inputs), strict=True):
            storage[0] = value

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """Only the points have a gradient."""
        return [[True, True], *([False, False] for _ in node.inputs[1:])]

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient of the density; there are no second derivatives."""
        by_points = cotangents[0][:, None] * outputs[1]
        return [by_points, *(disconnected_type() for _ in inputs[1:])]


def _compiled(op: RowDensity, node: Apply[Any], **_: object) -> tuple[object, int]:
    """Call of the kernel, and its key in the compiler's cache."""
    return kernel_by_name(op.kernel, op.name, node)


basic.register_funcify_default_op_cache_key(RowDensity)(_compiled)  # type: ignore[no-untyped-call]
