"""Compile a model's kernels in a second process, the last ones first.

The compiler uses one processor. While PyTensor simplifies the graph, and while the first kernels
are compiled for it, another process compiles the last ones; here they are then loaded from disk.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from pytensor.graph.traversal import ancestors

from phase2sim.core.kernels import is_on_disk, lightly_optimised
from phase2sim.prior.models.densities.calls_by_name import contiguous
from phase2sim.prior.models.densities.kernel_operation import Differentiable
from phase2sim.prior.models.densities.pytensor_names import Tensor
from phase2sim.prior.models.densities.row_density import RowDensity


class Compilation(NamedTuple):
    """A kernel and the numbers of dimensions of its inputs."""

    module: str
    function: str
    dimensions: tuple[int, ...]

    @classmethod
    def of(cls, kernel: Any, dimensions: list[int]) -> "Compilation":  # noqa: ANN401
        """Name the function that the kernel is compiled from."""
        source = kernel.py_func
        return cls(source.__module__, source.__qualname__, tuple(dimensions))

    @property
    def kernel(self) -> Any:  # noqa: ANN401 - a dispatcher
        """The kernel of that function; an operation of its module holds it."""
        held = vars(import_module(self.module)).values()
        kernels = [kernel for operation in held for kernel in kernels_of(operation)]
        return next(each for each in kernels if each.py_func.__qualname__ == self.function)


def kernels_of(operation: object) -> list[Any]:
    """Kernels of the value and of the gradient; one that computes both; or none."""
    match operation:
        case Differentiable():
            return [operation.kernel, operation.slopes.kernel]
        case RowDensity():
            return [operation.kernel]
        case _:
            return []


def compilations(terms: Sequence[Tensor]) -> list[Compilation]:
    """Kernels of a log density's terms, then of its gradient; about as the graph calls them."""
    values, gradients = [], []
    for variable in ancestors(terms):
        node = variable.owner
        if node is None or variable is not node.outputs[0]:
            continue
        dimensions = [each.type.ndim for each in node.inputs + node.outputs]
        kernels = kernels_of(node.op)
        values += [Compilation.of(each, dimensions[: len(node.inputs)]) for each in kernels[:1]]
        gradients += [Compilation.of(each, dimensions) for each in kernels[1:]]
    return [*dict.fromkeys(values), *dict.fromkeys(reversed(gradients))]


@contextmanager
def compiled_ahead(terms: Sequence[Tensor]) -> Iterator[None]:
    """Let another process compile kernels during this block, if some were never compiled."""
    todo = [each for each in reversed(compilations(terms)) if not is_on_disk(each.kernel)]
    if not (todo and sys.executable):
        yield
        return
    command = [sys.executable, "-P", "-m", __name__, json.dumps(todo)]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603
    try:
        yield
    finally:
        process.kill()
        process.wait()


def compile_listed(listed: str) -> None:
    """Compile each kernel of a list, as JSON."""
    with lightly_optimised():
        for module, function, dimensions in json.loads(listed):
            compilation = Compilation(module, function, tuple(dimensions))
            compilation.kernel.compile(contiguous(compilation.dimensions))


if __name__ == "__main__":
    compile_listed(sys.argv[1])
