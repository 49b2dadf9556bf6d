"""Compile a PyTensor graph once.

PyTensor compiles a graph, then a function that passes all arguments to it, and nutpie a third that
calls the second. Each holds the machine code of those before, and is optimised as a whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from numba.core.registry import CPUDispatcher
from pytensor.compile import mode as modes
from pytensor.graph.basic import Apply
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS
from pytensor.link.numba.dispatch.basic import get_numba_type, numba_njit
from pytensor.link.numba.linker import NumbaLinker

from phase2sim.prior.models.densities.calls_by_name import graph_by_name

MODE = "NUMBA"  # nutpie asks for it by this name


class GraphLinker(NumbaLinker):
    """PyTensor's linker, but the function that holds the graph is the one that is called."""

    def jit_compile(self, fn: Any) -> Any:  # noqa: ANN401 - as PyTensor's
        """Compile the graph; with its key it is found in the compiler's cache.

        ``fn`` is the function that passes all arguments, and that key; None if it has none.
        """
        usual: Any = super()
        passing, key = fn
        held = passing.py_func.__globals__.get("jitable_func") if key else None
        if held is None:  # the graph itself, or a PyTensor that compiles it in another way
            return usual.jit_compile(fn)
        graph = held.py_func
        operations: Any = self.fgraph
        _share_functions(graph.__globals__, operations.toposort())
        # The cache goes by the name of the source's file, which is a random one.
        code = graph.__code__.replace(co_filename="<string>")
        function = FunctionType(code, graph.__globals__, graph.__name__)
        CACHED_SRC_FUNCTIONS[function] = f"{CACHED_SRC_FUNCTIONS[passing.py_func]}_graph"
        return graph_by_name(numba_njit(function, final_function=True, cache=True))


def _share_functions(named: dict[str, Any], nodes: list[Apply[Any]]) -> None:
    """Let nodes call one function if PyTensor's cache does not tell theirs apart.

    It makes one for each node; all but the first would be loaded from the cache and copied into
    the graph. Those of different types of inputs may share a key, but not their source.
    """
    names = [name for name, held in named.items() if type(held) is CPUDispatcher]
    if len(names) != len(nodes):  # a PyTensor that names other functions too
        return
    first: dict[object, Any] = {}
    for name, node in zip(names, nodes, strict=True):
        key = CACHED_SRC_FUNCTIONS.get(named[name].py_func)
        taken = tuple(get_numba_type(value.type) for value in node.inputs)
        if key is not None:
            named[name] = first.setdefault((key, taken), named[name])


@contextmanager
def graphs_compiled_once() -> Iterator[None]:
    """Compile PyTensor's graphs as above inside this block."""
    before = modes.predefined_modes[MODE]
    modes.predefined_modes[MODE] = modes.Mode(GraphLinker(), before._optimizer)  # noqa: SLF001
    try:
        yield
    finally:
        modes.predefined_modes[MODE] = before
