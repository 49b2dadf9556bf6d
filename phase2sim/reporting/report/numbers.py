"""Numbers of a report; every simulated one has its standard error and its cell."""

import math

from phase2sim.core.io.data_frames import Row
from phase2sim.core.measured import Measured
from phase2sim.reporting.report.document import Kind, Number

_DIGITS = 3


def row_number(row: Row) -> Number | str:
    """Return the estimate of a row of results: ``0.802 ± 0.004``."""
    if row["refused"]:
        return "refused: too many analyses failed"
    if row["estimate"] is None or row["mcse"] is None:
        return "no trial could be used"
    text = _text(row["estimate"], row["mcse"])
    return Number(text, "simulated", row["mcse"], row["used"], row["cell"])


def measured_number(measured: Measured, cell: str = "", *, signed: bool = False) -> Number | str:
    """Return a measured number: ``0.802 ± 0.004``."""
    if math.isnan(measured.estimate) or math.isnan(measured.mcse):
        return "no trial could be used"
    text = _text(measured.estimate, measured.mcse)
    sign = "+" if signed and measured.estimate >= 0 else ""
    return Number(f"{sign}{text}", "simulated", measured.mcse, measured.used, cell)


def number_in_100(row: Row) -> Number | str:
    """Return a share per 100 trials: ``47.4 ± 0.5 of 100``."""
    if row["refused"] or row["estimate"] is None:
        return row_number(row)
    estimate, mcse = 100 * row["estimate"], 100 * row["mcse"]
    digits = 1 if mcse >= 0.1 else 2  # noqa: PLR2004 - a tenth is a digit
    text = f"{estimate:.{digits}f} ± {mcse:.{digits}f} of 100"
    return Number(text, "simulated", row["mcse"], row["used"], row["cell"])


def stated_number(text: object, kind: Kind = "given") -> Number:
    """Return a number that is not simulated, with its kind of source."""
    return Number(f"{text:g}" if isinstance(text, float) else str(text), kind)


def _text(estimate: float, mcse: float) -> str:
    digits = _DIGITS if not 0 < mcse < 1 else max(_DIGITS, math.ceil(-math.log10(mcse)))
    return f"{estimate:.{digits}f} ± {mcse:.{digits}f}"
