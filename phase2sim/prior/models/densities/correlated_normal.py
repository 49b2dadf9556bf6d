"""Multivariate normal log density as a single PyTensor operation with its own gradient.

The automatic gradient of a Cholesky factor takes three matrix products per step of the sampler, and
longer to compile than the rest of the model.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel
from phase2sim.prior.models.densities.calls_by_name import kernel_by_name
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt


class CorrelatedNormal(Op):
    """Log density of ``patients`` residual vectors with covariance (value, value).

    The residuals (row, value) have the same sum of squares as those of the patients; a single
    patient is one row. Outputs: the log density, the residuals times the precision (row, value),
    and the precision (value, value); all nan if the covariance is not positive definite.
    """

    __props__ = ()

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Build the node, with typed inputs and outputs."""
        residual, covariance, patients = (pt.as_tensor(value, dtype="float64") for value in inputs)
        outputs = [pt.dscalar(), residual.type(), covariance.type()]
        return Apply(self, [residual, covariance, patients], outputs)

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate in Python."""
        del node
        for storage, value in zip(outputs, density(*inputs), strict=True):
            storage[0] = value

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """The number of patients has no gradient."""
        del node
        return [[True] * 3, [True] * 3, [False] * 3]

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient of the density; the other outputs have none."""
        patients = inputs[2]
        _, weighted, precision = outputs
        slope = cotangents[0]
        squares = pt.sum(weighted[:, :, None] * weighted[:, None, :], axis=0)
        by_covariance = slope * (squares - patients * precision) / 2.0
        return [-slope * weighted, by_covariance, disconnected_type()]


def _block_end(covariance: Floats, first: int) -> int:
    """End (exclusive) of the block of values correlated with value ``first``, even indirectly."""
    end = first + 1
    row = first
    while row < end:
        for column in range(len(covariance) - 1, end - 1, -1):
            if covariance[row, column] != 0.0:
                end = column + 1
                break
        row += 1
    return end


block_end = kernel(_block_end)


def _inverse_factor(covariance: Floats) -> tuple[Floats, float]:
    """Inverse of the Cholesky factor, and the log determinant of the factor; nan if there is none.

    NumPy's function raises for an indefinite matrix, but the sampler may step there and must go on.
    """
    size = len(covariance)
    factor, inverse = np.zeros((size, size)), np.zeros((size, size))
    log_determinant = 0.0
    for i in range(size):
        for j in range(i):
            remainder = covariance[i, j]
            for k in range(j):
                remainder -= factor[i, k] * factor[j, k]
            factor[i, j] = remainder / factor[j, j]
        variance = covariance[i, i]
        for k in range(i):
            variance -= factor[i, k] ** 2
        factor[i, i] = math.sqrt(variance) if variance > 0.0 else math.nan
        log_determinant += math.log(factor[i, i])
        inverse[i, i] = 1.0 / factor[i, i]
        for j in range(i):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * inverse[k, j]
            inverse[i, j] = total * inverse[i, i]
    return inverse, log_determinant


inverse_factor = kernel(_inverse_factor)


def _precision(covariance: Floats) -> tuple[Floats, float]:
    """Inverse of a covariance, and the log determinant of its factor; nan if not definite.

    Studies are independent, so each diagonal block is inverted separately.
    """
    size = len(covariance)
    precision, log_determinant = np.zeros((size, size)), 0.0
    first = 0
    while first < size:
        end = block_end(covariance, first)
        inverse, block_determinant = inverse_factor(covariance[first:end, first:end])
        log_determinant += block_determinant
        for i in range(end - first):
            for j in range(i + 1):
                total = 0.0
                for k in range(i, end - first):
                    total += inverse[k, i] * inverse[k, j]
                precision[first + i, first + j] = precision[first + j, first + i] = total
        first = end
    return precision, log_determinant


precision_of = kernel(_precision)


def _density(
    residual: Floats, covariance: Floats, patients: Floats
) -> tuple[Floats, Floats, Floats]:
    """Log density (scalar), residuals times precision, and precision."""
    precision, log_determinant = precision_of(covariance)
    rows, size = residual.shape
    weighted = np.zeros((rows, size))
    for row in range(rows):
        for i in range(size):
            for j in range(size):
                weighted[row, i] += precision[i, j] * residual[row, j]
    squares = np.sum(weighted * residual)
    half_determinant = log_determinant + size * LOG_ROOT_TWO_PI  # per patient
    value = -squares / 2.0 - patients.item() * half_determinant
    return np.asarray(value), weighted, precision


density = kernel(_density)


def _compiled(op: CorrelatedNormal, node: Apply[Any], **_: object) -> tuple[object, int]:
    """Call of the kernel, and its key in the compiler's cache."""
    del op
    return kernel_by_name(density, "correlated normal", node)


basic.register_funcify_default_op_cache_key(CorrelatedNormal)(_compiled)  # type: ignore[no-untyped-call]
