"""Spreads too small for patients: in another unit than the mean, or of a mean."""

from math import erf, sqrt

from scipy.integrate import quad
from scipy.special import gammaincinv

from phase2sim.core.endpoints import MEASURES, Endpoint
from phase2sim.evidence.reported import ReportedNumber
from phase2sim.evidence.values import EntryContent

_CHANCE = 0.01  # that a sample of the least varied patients varies even less
_LEAST_VARIATION = 0.05  # SD over mean, of endpoints whose SD grows with their mean
_QUARTILES_OF_NORMAL = 1.349  # distance, in SDs
# Of the smallest SD at a visit: changes of the same patients, and SEs that covariates made smaller.
_LESS = {"change": 0.5, "difference": 0.4, "residual_sd": 0.4}
_READ = frozenset({"mean", "median", "geometric_mean", "sd", "quartiles", "range", *_LESS})


def check_not_too_small(content: EntryContent, number: ReportedNumber) -> None:
    """Raise ``BadEvidence`` for a spread smaller than patients have, whatever their sample.

    The least varied patients give a sample as even as that with a probability below 1 %, by the
    chi-squared distribution of a sample variance.
    """
    endpoint = MEASURES.get(number.endpoint)
    implied = _implied_sd(number)
    if endpoint is None or number.unused or content.elicited or implied is None:
        return
    key, sd = implied
    key = "ci95" if key == "se" and content.table.se is None else key
    if number.statistic not in _READ or sd <= 0:
        return
    least = _LESS.get(number.statistic, 1.0) * smallest_sd(
        endpoint, _mean(number), on_model=number.on_model_scale
    )
    by_chance = least * _smallest_ratio(number.n)
    if sd >= by_chance:
        return
    what = "" if key in {"sd", "residual_sd"} else f", an SD of about {sd:.3g} {number.unit}"
    raise content.entry.refuse(
        key,
        f"is {_typed(content, key)}{what}: between patients it is hardly ever below"
        f" {by_chance:.2g} {number.unit}{f' ({number.n} patients)' if number.n else ''}. Check the"
        " value, its unit, and that it is no standard error of a mean.",
    )


def smallest_sd(endpoint: Endpoint, mean: float | None, *, on_model: bool = False) -> float:
    """Smallest plausible SD between patients, in the endpoint's unit, with this mean."""
    least = endpoint.usual_sd[0]
    if on_model or endpoint.scale.is_linear:
        return least
    at = endpoint.plausible[0] if mean is None else max(mean, endpoint.plausible[0])
    middle, step = endpoint.to_model(at), 1e-6
    slope = (endpoint.from_model(middle + step) - endpoint.from_model(middle - step)) / (2 * step)
    return max(least * slope, _LEAST_VARIATION * (mean or 0.0))


def _mean(number: ReportedNumber) -> float | None:
    if number.bounds is not None:
        return sum(number.bounds) / 2
    return number.value if number.statistic in {"mean", "median", "geometric_mean"} else None


def _implied_sd(number: ReportedNumber) -> tuple[str, float] | None:
    """Key of the spread, and the SD between patients behind it; None without one."""
    if number.statistic in {"sd", "residual_sd"}:
        return number.statistic, number.value
    if number.sd is not None:
        return "sd", number.sd
    if number.se is not None and number.n:
        # Of a difference the patients are those of both arms, half of them in each.
        patients = number.n / 4 if number.statistic == "difference" else number.n
        return "se", number.se * sqrt(patients)
    if number.bounds is None:
        return None
    width = number.bounds[1] - number.bounds[0]
    if number.statistic == "quartiles":
        return "quartiles", width / _QUARTILES_OF_NORMAL
    return ("range", width / _mean_range(number.n)) if number.n > 1 else None


def _typed(content: EntryContent, key: str) -> str:
    """Write a spread as the file has it, with its conversion."""
    table, scale = content.table, content.scale
    value = getattr(table, key)
    match value:
        case float():
            return scale.describe(value, scale.difference(value))
        case _:
            return f"{list(value)} {scale.typed}"


def _smallest_ratio(n: int) -> float:
    """Sample SD over that of the population, as small as 1 in 100 samples of n are."""
    degrees = max(n, 2) - 1 if n else 1_000_000
    return sqrt(2.0 * float(gammaincinv(degrees / 2.0, _CHANCE)) / degrees)


def _mean_range(n: int) -> float:
    """Mean distance from the smallest to the largest of n standard normals (Tippett 1925)."""

    def beyond(x: float) -> float:
        below = 0.5 * (1.0 + erf(x / sqrt(2.0)))
        return 1.0 - below**n - (1.0 - below) ** n

    return float(quad(beyond, -9.0, 9.0)[0])
