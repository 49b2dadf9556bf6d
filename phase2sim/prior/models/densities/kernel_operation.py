"""Parts of the model as single compiled PyTensor operations with their own gradients.

Otherwise each operation of a formula is compiled separately, and again for the gradient, which is
most of the time of a first fit.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.densities.calls_by_name import kernel_by_name
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


class KernelOperation(Op):
    """A PyTensor operation that is computed by a compiled kernel."""

    __props__: tuple[str, ...] = ("name",)

    def __init__(self, name: str, kernel: Callable[..., Any]) -> None:
        self.name = name
        self.kernel = kernel

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate in Python."""
        values = self.kernel(*inputs)
        for storage, value in zip(
            outputs, values if len(node.outputs) > 1 else [values], strict=True
        ):
            storage[0] = value


class Slopes(KernelOperation):
    """Gradient by the first ``count`` inputs, given all inputs and the outputs' cotangents."""

    __props__ = ("name", "count")

    def __init__(self, name: str, kernel: Callable[..., Any], count: int) -> None:
        super().__init__(name, kernel)
        self.count = count

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Build the node; each gradient has the type of its input."""
        return Apply(self, list(inputs), [value.type() for value in inputs[: self.count]])


class Differentiable(KernelOperation):
    """An operation with a gradient by its first inputs; the others are constants.

    ``shapes`` maps the static shapes of the inputs to those of the outputs.
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
        """Build the node, with typed inputs and outputs."""
        typed = [pt.as_tensor(value, dtype="float64") for value in inputs]
        shapes = self.shapes(*(value.type.shape for value in typed))
        return Apply(self, typed, [pt.tensor(dtype="float64", shape=shape) for shape in shapes])

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """Only the first inputs have a gradient."""
        count = self.slopes.count
        return [[position < count] * len(node.outputs) for position in range(len(node.inputs))]

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient by the first inputs."""
        connected = [
            pt.zeros_like(value) if isinstance(cotangent.type, DisconnectedType) else cotangent
            for value, cotangent in zip(outputs, cotangents, strict=True)
        ]
        slopes: Any = self.slopes(*inputs, *connected, return_list=True)
        return [*slopes, *(disconnected_type() for _ in inputs[self.slopes.count :])]


def _compiled(op: KernelOperation, node: Apply[Any], **_: object) -> tuple[object, int]:
    """Call of the kernel, and its key in the compiler's cache."""
    return kernel_by_name(op.kernel, op.name, node)


basic.register_funcify_default_op_cache_key(KernelOperation)(_compiled)  # type: ignore[no-untyped-call]
