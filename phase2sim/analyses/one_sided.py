"""From a fit in every trial to one-sided p-values for benefit."""

import numpy as np
from scipy import special

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import CONFIDENCE, Estimates, OwnTest
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.kernels import kernel

_MOST_TERMS = 200  # degrees of freedom beyond which the series is no longer the faster way
_FAR_TAIL = 1e-6  # below it the series has lost ten of its digits
_RATIOS = np.append(0.0, 1.0 - 1.0 / np.arange(1.0, _MOST_TERMS))  # (k - 1) / k: no division in it

NORMAL_REACH = float(special.ndtri(0.5 + CONFIDENCE / 2))  # standard errors to each limit

type RegressionFit = tuple[Floats, Floats, Floats, Ints]  # effect, se, df, reason; each (trial,)


def for_benefit(fit: RegressionFit, endpoint: str, null_effect: float) -> Estimates:
    """Estimates with the one-sided p of the t test for benefit beyond ``null_effect``."""
    effect, se, df, reason = fit
    worse = -MEASURES[endpoint].benefit_sign
    p = lower_tail(df, worse * (effect - null_effect) / se)
    return Estimates(effect=effect, se=se, df=df, p=p, reason=reason.astype(np.int8))


def t_test(effect: Floats, se: Floats, df: Floats, null_effect: float) -> OwnTest:
    """Two-sided t test of ``null_effect``, with the interval; nan for nan."""
    t = (effect - null_effect) / se
    reach = special.stdtrit(df, 0.5 + CONFIDENCE / 2) * se
    return OwnTest(t, 2.0 * special.stdtr(df, -abs(t)), effect - reach, effect + reach)


def normal_test(effect: Floats, se: Floats, null_effect: float) -> OwnTest:
    """Two-sided normal test of ``null_effect``, with the interval; nan for nan."""
    z, reach = (effect - null_effect) / se, NORMAL_REACH * se
    return OwnTest(z, 2.0 * special.ndtr(-abs(z)), effect - reach, effect + reach)


def lower_tail(df: Floats, t: Floats) -> Floats:
    """Probability that a t variable on ``df`` degrees of freedom is below ``t``; nan for nan.

    For few whole degrees of freedom a finite series (Abramowitz and Stegun 26.7.3 and 26.7.4), four
    times as fast as the incomplete beta function; the far tail, where it would cancel, and all else
    go to scipy.
    """
    p = _finite_series(df, t)
    left = np.flatnonzero(np.isnan(p))
    p[left] = special.stdtr(df[left], t[left])
    return p


@kernel
def _finite_series(df: Floats, t: Floats) -> Floats:
    """The same by the finite series, and nan where it does not serve."""
    p = np.full(t.shape[0], np.nan)
    for i in range(t.shape[0]):
        if not (1.0 <= df[i] <= _MOST_TERMS and df[i] == np.floor(df[i])):
            continue
        whole = np.int64(df[i])
        cosine2 = whole / (whole + t[i] * t[i])
        sine = abs(t[i]) / np.sqrt(whole + t[i] * t[i])
        odd = whole % 2
        term = np.sqrt(cosine2) if odd else 1.0
        total = term if whole > 1 else 0.0
        for k in range(2 + odd, whole - 1, 2):
            term *= cosine2 * _RATIOS[k]
            total += term
        inside = total * sine
        if odd:
            inside = 2.0 / np.pi * (np.arctan(abs(t[i]) / np.sqrt(whole)) + inside)
        outside = (1.0 - inside) / 2.0
        if outside > _FAR_TAIL:
            p[i] = outside if t[i] < 0.0 else 1.0 - outside
    return p
