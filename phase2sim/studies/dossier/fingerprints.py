"""Short hash of trial results, bit for bit, to check a repeated simulation."""

import hashlib
from collections.abc import Mapping

import numpy as np

from phase2sim.trial.batch_results import BatchResults

_DIGITS = 32


def fingerprint(results: Mapping[str, BatchResults]) -> str:
    """Hash the estimates of consecutive trials under each truth, and when harm would stop them.

    Of numbers, not of files: another version of the file format keeps it.
    """
    digest = hashlib.sha256()
    for truth in sorted(results):
        digest.update(truth.encode())
        looks = results[truth].looks or (results[truth],)
        for estimates in (
            analysis_estimates for look in looks for analysis_estimates in look.estimates
        ):
            for values in (estimates.effect, estimates.se, estimates.df, estimates.p):
                # One bit pattern for every nan, and for both zeros.
                canonical = np.where(np.isnan(values), np.nan, values) + 0.0
                digest.update(np.ascontiguousarray(canonical, dtype="<f8").tobytes())
            digest.update(np.ascontiguousarray(estimates.reason, dtype="<i8").tobytes())
        monitoring = results[truth].watched
        if monitoring is not None:
            digest.update(np.ascontiguousarray(monitoring.look, dtype="<i8").tobytes())
            digest.update(np.ascontiguousarray(monitoring.months, dtype="<f8").tobytes())
    return digest.hexdigest()[:_DIGITS]
