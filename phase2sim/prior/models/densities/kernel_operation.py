"""Parts of the model as single compiled operations that know their own gradient.

Traced through its parts, every part of a formula is compiled on its own, and again for the
gradient: that is what a first fit mostly waits for.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernels_digest
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


class KernelOperation(Op):
    """An operation that a compiled kernel does on arrays of numbers."""

    __props__: tuple[str, ...] = ("name",)

    def __init__(self, name: str, kernel: Callable[..., Any]) -> None:
        self.name = name
        self.kernel = kernel

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate without the compiler."""
        found = self.kernel(*inputs)
        for storage, value in zip(
            outputs, found if len(node.outputs) > 1 else [found], strict=True
        ):
            storage[0] = value


class Slopes(KernelOperation):
    """Gradient by the first ``count`` inputs, from all inputs and the outputs' cotangents."""

    __props__ = ("name", "count")

    def __init__(self, name: str, kernel: Callable[..., Any], count: int) -> None:
        super().__init__(name, kernel)
        self.count = count

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Type the slopes like the inputs they belong to."""
        return Apply(self, list(inputs), [one.type() for one in inputs[: self.count]])


class Differentiable(KernelOperation):
    """An operation with its gradient by the first of its inputs; the others are given.

    ``shapes`` takes the inputs' static shapes and returns the outputs'.
    """

    def __init__(
        self,
        slopes: Slopes,
        kernel: Callable[..., Any],
        shapes: Callable[..., Sequence[tuple[int | None, ...]]],
    ) -> None:
        super().__init__(f"{slopes.name} value", kernel)
        self.slopes = slopes
        self.shapes = shapes

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Type the inputs and what comes out."""
        typed = [pt.as_tensor(value, dtype="float64") for value in inputs]
        shapes = self.shapes(*(value.type.shape for value in typed))
        return Apply(self, typed, [pt.tensor(dtype="float64", shape=shape) for shape in shapes])

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """Only the first inputs are to be differentiated by."""
        by = self.slopes.count
        return [[place < by] * len(node.outputs) for place in range(len(node.inputs))]

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient by the first inputs."""
        known = [
            pt.zeros_like(value) if isinstance(by.type, DisconnectedType) else by
            for value, by in zip(outputs, cotangents, strict=True)
        ]
        slopes: Any = self.slopes(*inputs, *known, return_list=True)
        return [*slopes, *(disconnected_type() for _ in inputs[self.slopes.count :])]


def _compiled(op: KernelOperation, node: Apply[Any], **_: object) -> tuple[object, int]:
    """Kernel, and the key of what the compiler keeps: else it keeps an earlier program's kernel."""
    del node
    return op.kernel, int(kernels_digest(), 16)


basic.register_funcify_default_op_cache_key(KernelOperation)(_compiled)  # type: ignore[no-untyped-call]
