"""A call by name does what the call of the function itself does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys
from numba.core.runtime._nrt_python import memsys_disable_stats, memsys_enable_stats

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.calls_by_name import graph_by_name, kernel_by_name


def _first_column(array: Floats) -> Floats:
    """Read the memory in the order of the rows, which is wrong of a transposed array."""
    if array[0, 0] < 0.0:
        raise ValueError("negative")
    return array.ravel()[:: array.shape[1]].copy()


first_column = kernel(_first_column)


def node_of(*dimensions: int) -> Any:  # noqa: ANN401
    types = [SimpleNamespace(ndim=count) for count in dimensions]
    return SimpleNamespace(inputs=[SimpleNamespace(type=each) for each in types])


def caller() -> Callable[[Floats], Floats]:
    """Compile a function that passes a transposed array."""
    by_name, _ = kernel_by_name(first_column, "first column", node_of(2))

    def call(array: Floats) -> Floats:
        return by_name(array.T)

    compiled: Callable[[Floats], Floats] = njit(call)
    return compiled


def test_an_array_that_is_not_contiguous_is_copied() -> None:
    array = np.arange(6.0).reshape(2, 3)

    assert caller()(array).tolist() == [0.0, 1.0, 2.0]


def test_the_copy_is_given_back() -> None:
    call = caller()
    array = np.ones((2, 3))
    call(array)
    memsys_enable_stats()
    before = rtsys.get_allocation_stats()

    call(array)

    after = rtsys.get_allocation_stats()
    memsys_disable_stats()
    assert after.alloc - before.alloc >= 2  # the copy and the result
    assert after.alloc - before.alloc == after.free - before.free


def test_an_error_in_a_kernel_reaches_its_caller() -> None:
    with pytest.raises(ValueError, match="negative"):
        caller()(-np.ones((2, 2)))


def test_a_graph_is_compiled_for_the_types_that_it_is_called_with() -> None:
    def both(number: float, array: Floats) -> tuple[float, Floats]:
        return 2.0 * number, array + number

    by_name = graph_by_name(njit(both))

    def call(number: float, array: Floats) -> tuple[float, Floats]:
        return by_name(number, array)  # type: ignore[no-any-return]

    total, moved = njit(call)(1.5, np.arange(4.0)[::2])

    assert total == 3.0
    assert moved.tolist() == [1.5, 3.5]


KEPT = """
from types import SimpleNamespace
import numpy as np
from numba import njit
from numba.core.runtime import rtsys
from numba.core.runtime._nrt_python import memsys_disable_stats, memsys_enable_stats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.calls_by_name import kernel_by_name

def _doubled(array):
    return 2.0 * array

node = SimpleNamespace(inputs=[SimpleNamespace(type=SimpleNamespace(ndim=1))])
by_name, _ = kernel_by_name(kernel(_doubled), "doubled", node)

@njit(cache=True)
def call(array):
    return by_name(array)

print(call(np.arange(3.0)).tolist(), sum(call.stats.cache_hits.values()))
"""


def test_what_calls_it_is_kept_for_the_next_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(KEPT, encoding="utf-8")
    printed = [
        subprocess.run(  # noqa: S603
            [sys.executable, program], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]

    assert printed == ["[0.0, 2.0, 4.0] 0", "[0.0, 2.0, 4.0] 1"]
