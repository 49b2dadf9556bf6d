"""Calls of compiled functions by a name that the linker resolves.

Numba copies what a function calls into its machine code, and optimises the copy again at every
level. A call by name leaves the code where it is.
"""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from pytensor.graph.basic import Apply

from phase2sim.core.kernels import kernels_digest

_insert_function: Any = cgutils.get_or_insert_function
type Types = tuple[Any, ...]  # numba's, of the inputs


def kernel_by_name(kernel: Any, name: str, node: Apply[Any]) -> tuple[Callable[..., Any], int]:  # noqa: ANN401
    """Return what a compiled function calls instead of ``kernel``, and a key of the kernel.

    The inputs are those of the ``node``; those that are not contiguous are copied. What calls it
    may be kept on disk, as this function declares the name anew in every process. Name and key
    change with the kernels' source. A kernel must not write to its inputs: they may be constants.
    """
    digest = kernels_digest()
    dimensions = [value.type.ndim for value in node.inputs]
    taken = contiguous(dimensions)
    symbol = f"{name} {dimensions} {digest}".replace(" ", "_")
    _declare(kernel, taken, symbol)
    return _call_at_name(kernel, len(taken), lambda _: (taken, symbol)), int(digest, 16)


def contiguous(dimensions: Sequence[int]) -> Types:
    """Types of contiguous arrays of floats."""
    return tuple(types.Array(types.float64, count, "C") for count in dimensions)


def graph_by_name(graph: Any) -> Callable[..., Any]:  # noqa: ANN401 - a dispatcher
    """Return what a compiled function calls instead of ``graph``; it must not be kept on disk.

    The graph is compiled for the types that it is called with.
    """

    def declared(given: Types) -> tuple[Types, str]:
        symbol = f"graph {id(graph)} {given}".replace(" ", "_")
        _declare(graph, given, symbol)
        return given, symbol

    return _call_at_name(graph, graph.py_func.__code__.co_argcount, declared)


def _declare(function: Any, taken: Types, symbol: str) -> None:  # noqa: ANN401
    """Compile for these types of inputs, or load that from disk, and tell the linker its name."""
    function.compile(taken)
    compiled = function.overloads[taken]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    llvm.add_symbol(symbol, address)


def _call_at_name(
    function: Any,  # noqa: ANN401
    inputs: int,
    declared: Callable[[Types], tuple[Types, str]],
) -> Callable[..., Any]:
    """Call of a function; ``declared`` maps the types that are given to those taken and a name."""

    def at_name(typing: object, *given: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ANN401
        del typing
        taken, symbol = declared(given)
        result = function.overloads[taken].signature.return_type

        def generate(context: Any, builder: Any, _: object, values: Any) -> Any:  # noqa: ANN401
            convention = context.call_conv
            kind = convention.get_function_type(result, taken)
            called = _insert_function(builder.module, kind, symbol)
            both = list(zip(given, taken, strict=True))
            passed = [
                _contiguous(context, builder, value, *pair)
                for value, pair in zip(values, both, strict=True)
            ]
            status, value = convention.call_function(builder, called, result, taken, passed)
            for copied, pair in zip(passed, both, strict=True):
                if _is_copied(*pair):
                    context.nrt.decref(builder, pair[1], copied)
            with builder.if_then(status.is_error, likely=False):
                convention.return_status_propagate(builder, status)
            return value

        return result(*given), generate

    names = ["typing", *(f"input_{k}" for k in range(inputs))]
    signature = Signature([Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in names])
    at_name.__dict__["__signature__"] = signature
    call: Callable[..., Any] = intrinsic(at_name)
    return call


def _is_copied(given: Any, taken: Any) -> bool:  # noqa: ANN401
    """Whether it is an array that is not known to be contiguous."""
    return bool(given != taken and given.layout != taken.layout)


def _contiguous(context: Any, builder: Any, value: Any, given: Any, taken: Any) -> Any:  # noqa: ANN401
    """Array as the called function takes it; a new reference if it was not known to be so."""
    if not _is_copied(given, taken):
        return value
    return context.compile_internal(builder, _without_gaps, taken(given), [value])


def _without_gaps(array: Any) -> Any:  # noqa: ANN401 - compiled for any number of dimensions
    return np.ascontiguousarray(array)
