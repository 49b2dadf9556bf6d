"""A measured number for people, and as plain values."""

import math
from typing import Any

from phase2sim.contracts import Measured

_DIGITS = 3  # after the point, at least


def cell(measured: Measured) -> str:
    """``0.802 +- 0.004``: a number to the digits that its Monte Carlo standard error allows."""
    if math.isnan(measured.estimate):
        return "none used"
    digits = _DIGITS
    if 0 < measured.mcse < 1:
        digits = max(digits, math.ceil(-math.log10(measured.mcse)))
    return f"{measured.estimate:.{digits}f} +- {measured.mcse:.{digits}f}"


def measured_json(measured: Measured) -> dict[str, Any]:
    """Plain values of one number and how sure it is."""
    return {
        "estimate": _finite(measured.estimate),
        "mcse": _finite(measured.mcse),
        "requested": measured.requested,
        "used": measured.used,
        "failed": measured.failed,
        "low": _finite(measured.low),
        "high": _finite(measured.high),
    }


def _finite(number: float) -> float | None:
    """Return the number, or None, which JSON can hold, for nan."""
    return number if math.isfinite(number) else None
