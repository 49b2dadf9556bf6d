"""From a fit in every trial to one-sided p-values for benefit."""

import numpy as np
from scipy import special

from phase2sim.contracts import Estimates, Floats, Ints, Reading
from phase2sim.endpoints import ENDPOINTS

type Fit = tuple[Floats, Floats, Floats, Ints]  # effect, se, df, reason; each (trial,)


def for_benefit(fit: Fit, endpoint: str, null_effect: float) -> Estimates:
    """Estimates with the t test's p for an effect beyond ``null_effect`` in benefit's direction."""
    effect, se, df, reason = fit
    worse = -ENDPOINTS[endpoint].benefit_sign
    p: Floats = special.stdtr(df, worse * (effect - null_effect) / se)
    return Estimates(effect=effect, se=se, df=df, p=p, reason=reason.astype(np.int8))


def outcome(reading: Reading, month: float) -> Floats:
    """Values at the visit of ``month``, (trial, patient); ``ValueError`` if none is then."""
    if month not in reading.visits_months:
        visits = ", ".join(f"{visit:g}" for visit in reading.visits_months)
        raise ValueError(f"month is {month:g}; the visits after baseline are at {visits}. Use one.")
    return np.ascontiguousarray(reading.value[:, reading.visits_months.index(month)])


def check_options(endpoint: str, month: float, null_effect: float) -> None:
    """Raise ``ValueError`` for options that no continuous analysis can take."""
    if endpoint not in ENDPOINTS:
        raise ValueError(f"endpoint is {endpoint!r}; use one of {', '.join(ENDPOINTS)}.")
    if not (np.isfinite(month) and month > 0.0):
        raise ValueError(f"month is {month:g}; give a visit after baseline, above 0.")
    if not np.isfinite(null_effect):
        raise ValueError(f"null_effect is {null_effect:g}; give a finite number.")


def check_choice(key: str, choice: str, allowed: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless ``choice`` is one of ``allowed``."""
    if choice not in allowed:
        raise ValueError(f"{key} is {choice!r}; use {' or '.join(map(repr, allowed))}.")
