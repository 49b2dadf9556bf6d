"""Log densities by row as single operations that know their own gradient.

Traced through their parts they take a third of the model's compilation: each part of a formula is
compiled on its own, and again for the gradient.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernels_digest
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


class RowDensity(Op):
    """Log density (row,) of points (row, point), given other arrays that are not differentiated.

    ``kernel`` takes the points and the other arrays and returns the density and its slopes (row,
    point) by the points.
    """

    __props__ = ("name",)

    def __init__(self, name: str, kernel: Callable[..., tuple[Floats, Floats]]) -> None:
        self.name = name
        self.kernel = kernel

    def of(self, points: Tensor, *given: Tensor) -> Tensor:
        """Log density (row,) as an expression of the points (row, point) and what is given."""
        outputs: Tensor = self(points, *given)
        return outputs[0]

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Type the points, what is given, and what comes out; ``ValueError`` for unequal rows."""
        typed = [pt.as_tensor(value, dtype="float64") for value in inputs]
        points = typed[0]
        rows = {of.type.shape[0] for of in typed} - {None}
        if len(rows) > 1:  # the kernel would read past the end
            raise ValueError(f"{self.name}: rows of {sorted(rows)}, and all must have as many")
        density = pt.tensor(dtype="float64", shape=points.type.shape[:1])
        return Apply(self, typed, [density, points.type()])

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate without the compiler."""
        del node
        for storage, value in zip(outputs, self.kernel(*inputs), strict=True):
            storage[0] = value

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """Only the points are to be differentiated by."""
        return [[True, True], *([False, False] for _ in node.inputs[1:])]

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient of the density; the slopes themselves are not to be differentiated."""
        by_points = cotangents[0][:, None] * outputs[1]
        return [by_points, *(disconnected_type() for _ in inputs[1:])]


def _compiled(op: RowDensity, node: Apply[Any], **_: object) -> tuple[object, int]:
    """Kernel, and the key of what the compiler keeps: else it keeps an earlier program's kernel."""
    del node
    return op.kernel, int(kernels_digest(), 16)


basic.register_funcify_default_op_cache_key(RowDensity)(_compiled)  # type: ignore[no-untyped-call]
