"""A short hash of what trials came to, bit for bit, for whoever simulates them again."""

import hashlib
from collections.abc import Mapping

import numpy as np

from phase2sim.trial.batch_results import BatchResults

_DIGITS = 32


def fingerprint(answers: Mapping[str, BatchResults]) -> str:
    """Hash the estimates of consecutive trials under each truth, and when harm would stop them.

    Of numbers, not of files: another version of the file format keeps it.
    """
    found = hashlib.sha256()
    for truth in sorted(answers):
        found.update(truth.encode())
        looks = answers[truth].looks or (answers[truth],)
        for estimates in (one for look in looks for one in look.estimates):
            for values in (estimates.effect, estimates.se, estimates.df, estimates.p):
                # One bit pattern for every nan, and for both zeros.
                whole = np.where(np.isnan(values), np.nan, values) + 0.0
                found.update(np.ascontiguousarray(whole, dtype="<f8").tobytes())
            found.update(np.ascontiguousarray(estimates.reason, dtype="<i8").tobytes())
        watched = answers[truth].watched
        if watched is not None:
            found.update(np.ascontiguousarray(watched.look, dtype="<i8").tobytes())
            found.update(np.ascontiguousarray(watched.months, dtype="<f8").tobytes())
    return found.hexdigest()[:_DIGITS]
