"""The density of one multivariate normal as a single operation that knows its own gradient.

Traced through a Cholesky factor, the gradient takes three matrix products at every step of the
sampler, and compiling those takes longer than the rest of the model.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic

from phase2sim.contracts import Floats
from phase2sim.kernels import kernel
from phase2sim.models.symbols import Tensor, pt

LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class CorrelatedNormal(Op):
    """Log density of residuals (value,) under covariance (value, value), with what it is made of.

    Outputs: the log density, the residuals times the precision (value,), and the precision
    (value, value); all nan if the covariance is not positive definite.
    """

    __props__ = ()

    def make_node(self, *inputs: Tensor) -> Apply[Any]:
        """Type the residuals and covariance, and what comes out."""
        residual, covariance = (pt.as_tensor(value) for value in inputs)
        outputs = [pt.dscalar(), residual.type(), covariance.type()]
        return Apply(self, [residual, covariance], outputs)

    def perform(
        self, node: Apply[Any], inputs: Sequence[Floats], outputs: list[list[object]]
    ) -> None:
        """Evaluate without the compiler."""
        del node
        residual, covariance = inputs
        for storage, value in zip(outputs, density(residual, covariance), strict=True):
            storage[0] = value

    def pullback(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], cotangents: Sequence[Tensor]
    ) -> list[Tensor]:
        """Gradient of the density; the other outputs are not to be differentiated."""
        del inputs
        _, weighted, precision = outputs
        slope = cotangents[0]
        return [-slope * weighted, slope * (weighted[:, None] * weighted - precision) / 2.0]


def _inverse_factor(covariance: Floats) -> tuple[Floats, float]:
    """Inverse of the Cholesky factor, and the log determinant of the factor; nan if there is none.

    Written out, because the library's own refuses an indefinite matrix by raising, which a sampler
    that tries a step too far must survive.
    """
    size = len(covariance)
    factor, inverse = np.zeros((size, size)), np.zeros((size, size))
    log_determinant = 0.0
    for i in range(size):
        for j in range(i):
            rest = covariance[i, j]
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            factor[i, j] = rest / factor[j, j]
        left = covariance[i, i]
        for k in range(i):
            left -= factor[i, k] ** 2
        factor[i, i] = math.sqrt(left) if left > 0.0 else math.nan
        log_determinant += math.log(factor[i, i])
        inverse[i, i] = 1.0 / factor[i, i]
        for j in range(i):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * inverse[k, j]
            inverse[i, j] = total * inverse[i, i]
    return inverse, log_determinant


inverse_factor = kernel(_inverse_factor)


def _density(residual: Floats, covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """Log density (no axes), precision times residual, precision."""
    inverse, log_determinant = inverse_factor(covariance)
    size = len(residual)
    precision, weighted = np.zeros((size, size)), np.zeros(size)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += inverse[k, i] * inverse[k, j]
            precision[i, j] = precision[j, i] = total
    for i in range(size):
        for j in range(size):
            weighted[i] += precision[i, j] * residual[j]
    squares = np.sum(weighted * residual)
    value = -squares / 2.0 - log_determinant - size * LOG_ROOT_TWO_PI
    return np.asarray(value), weighted, precision


density = kernel(_density)


def _compiled(op: CorrelatedNormal, node: Apply[Any], **_: object) -> tuple[object, int]:
    del op, node
    return density, 2  # raised when the density changes, so that no stale compilation is used


basic.register_funcify_default_op_cache_key(CorrelatedNormal)(_compiled)  # type: ignore[no-untyped-call]
