"""The density of one multivariate normal as a single operation that knows its own gradient.

Traced through a Cholesky factor, the gradient takes three matrix products at every step of the
sampler, and compiling those takes longer than the rest of the model.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from phase2sim.contracts import Floats
from phase2sim.models.symbols import Tensor, pt

LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class CorrelatedNormal(Op):
    """Log density of residuals (value,) under covariance (value, value), with what it is made of.

    Outputs: the log density, the residuals times the precision (value,), and the precision
    (value, value); all nan if the covariance is not positive definite.
    """

    __props__ = ()

    def make_node(self, residual: Tensor, covariance: Tensor) -> Apply:
        """Type the inputs and outputs."""
        inputs = [pt.as_tensor(residual), pt.as_tensor(covariance)]
        outputs = [pt.dscalar(), inputs[0].type(), inputs[1].type()]
        return Apply(self, inputs, outputs)

    def perform(self, node: Apply, inputs: Sequence[Floats], outputs: list[list[object]]) -> None:
        """Evaluate without the compiler."""
        del node
        for storage, value in zip(outputs, density.py_func(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient of the density; the other outputs are not to be differentiated."""
        del inputs
        _, weighted, precision = outputs
        slope = cotangents[0]
        return [-slope * weighted, slope * (weighted[:, None] * weighted - precision) / 2.0]


@njit
def density(residual: Floats, covariance: Floats) -> tuple[float, Floats, Floats]:
    """Log density, precision times residual, precision."""
    size = residual.size
    factor = np.zeros((size, size))
    inverse = np.zeros((size, size))  # of the factor
    log_determinant = 0.0
    for i in range(size):
        for j in range(i + 1):
            rest = covariance[i, j]
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            factor[i, j] = rest / factor[j, j] if j < i else (math.sqrt(rest) if rest > 0.0 else math.nan)
        log_determinant += math.log(factor[i, i])
        inverse[i, i] = 1.0 / factor[i, i]
        for j in range(i):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * inverse[k, j]
            inverse[i, j] = total * inverse[i, i]
    precision = np.zeros((size, size))
    weighted = np.zeros(size)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += inverse[k, i] * inverse[k, j]
            precision[i, j] = total
            precision[j, i] = total
    squares = 0.0
    for i in range(size):
        for j in range(size):
            weighted[i] += precision[i, j] * residual[j]
        squares += weighted[i] * residual[i]
    value = -squares / 2.0 - log_determinant - size * LOG_ROOT_TWO_PI
    return value, weighted, precision


@register_funcify_default_op_cache_key(CorrelatedNormal)
def _compiled(op: CorrelatedNormal, node: Apply, **_: object) -> tuple[object, int]:
    del op, node

    @njit
    def call(residual, covariance):
        value, weighted, precision = density(residual, covariance)
        return np.asarray(value), weighted, precision

    return call, 1
