"""Values of one [[reported]] table: checked, and converted to the endpoint's unit."""

from dataclasses import dataclass
from math import isinf, log, nan, sqrt

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import REMISSION, Normal
from phase2sim.evidence.statistics import EvidenceEntry
from phase2sim.evidence.tables import ReportedTable
from phase2sim.evidence.units import COUNTED, INDEPENDENCE, Scale

Z_OF_95_PERCENT = 1.959963984540054
FEWEST_FOR_SD = 2
BOUNDS = ("quartiles", "range")
SPANS = ("change", "slope", "difference")  # these have the spread of a difference


@dataclass(frozen=True, slots=True)
class EntryContent:
    """An entry with its statistic, scale, months and elicited distribution."""

    entry: EvidenceEntry
    statistic: str
    scale: Scale
    months: tuple[float, ...]
    elicited: Normal | None = None

    @property
    def table(self) -> ReportedTable:
        """Keys of the entry in the file."""
        return self.entry.table


def elicited_normal(entry: EvidenceEntry, scale: Scale) -> Normal | None:
    """Elicited distribution, or None; raises ``BadEvidence`` for an impossible one."""
    elicited = entry.table.elicited
    if elicited is None:
        return None
    subject, table = ("change", elicited.change) if elicited.change else ("", elicited.correlation)
    if table is None:
        return None
    mean, sd = table.normal
    endpoint = ENDPOINTS.get(entry.table.endpoint)
    limit = endpoint.largest_effect if subject == "change" and endpoint else 1.0
    key = f"elicited.{subject or 'correlation'}.normal"
    if not abs(mean) < limit:
        raise entry.refuse(
            f"{key}[1]",
            f"is {mean:g}; it must lie between {-limit:g} and {limit:g} {scale.unit}. Correct it.",
        )
    if not 0 < sd <= limit:
        raise entry.refuse(
            f"{key}[2]", f"is {sd:g}; an SD must be above 0 and at most {limit:g}. Correct it."
        )
    return Normal(mean, sd)


def value_of(content: EntryContent) -> float:
    """Value in the endpoint's unit; nan for words, an elicited distribution and two bounds.

    Raises ``BadEvidence`` for an impossible value.
    """
    table, scale, statistic = content.table, content.scale, content.statistic
    typed = getattr(table, statistic)
    if content.elicited or statistic in {"statement", *BOUNDS}:
        return nan
    if statistic in {"mean", "median", "geometric_mean"}:
        check_plausible(content, statistic, typed)
        return scale.value(typed)
    if statistic in {"sd", "residual_sd"}:
        return _positive_difference(content, statistic, typed, scale.width / 2)
    if statistic in SPANS:
        return _difference(content, statistic, typed)
    if statistic == "rate":
        return scale.value(typed)
    if statistic == "percent_change":
        _check_percent(content, typed)
    if statistic == "count":
        _check_count(content)
    return float(typed)


def quantile_bounds(content: EntryContent) -> tuple[float, float] | None:
    """Lower and upper bound of quartiles or a range, in the endpoint's unit."""
    if content.statistic not in BOUNDS:
        return None
    low, high = getattr(content.table, content.statistic)
    _check_ordered(content, content.statistic, low, high)
    for bound in (low, high):
        check_plausible(content, content.statistic, bound)
    return content.scale.value(low), content.scale.value(high)


def _check_percent(content: EntryContent, typed: float) -> None:
    if 0 < abs(typed) < 1 and content.table.unused is None:
        raise content.entry.refuse(
            "percent_change",
            f"is {typed:g}, that is {typed:g} %: it looks like a fraction."
            f" For {100 * typed:g} % write {100 * typed:g}; give a smaller change as a change.",
        )


def _difference(content: EntryContent, key: str, typed: float) -> float:
    value = content.scale.difference(typed)
    length = content.months[1] - content.months[0] if key == "slope" else 1.0
    limit = content.scale.width / length
    if not abs(value) <= limit:
        raise content.entry.refuse(
            key,
            f"is {content.scale.describe(typed, value)}; it cannot exceed {limit:g}."
            " Check the value and its unit.",
        )
    return value


def _positive_difference(content: EntryContent, key: str, typed: float, limit: float) -> float:
    value = content.scale.difference(typed)
    if not value <= limit:
        raise content.entry.refuse(
            key,
            f"is {content.scale.describe(typed, value)}; plausible values leave at most"
            f" {limit:g}. Check the value and its unit.",
        )
    return value


def spread_of(content: EntryContent) -> tuple[float | None, float | None]:
    """SD and standard error in the endpoint's unit; None if the entry does not give it.

    Raises ``BadEvidence`` for more than one spread, or an impossible one.
    """
    table, scale = content.table, content.scale
    if content.statistic == "ratio":
        return None, _log_standard_error(content)
    spread_keys = [key for key in ("sd", "se", "ci95") if getattr(table, key) is not None]
    if len(spread_keys) > 1:
        raise content.entry.refuse(
            spread_keys[1],
            f"says the same as {spread_keys[0]}. Keep the one that the source prints.",
        )
    limit = scale.width if content.statistic in SPANS else scale.width / 2
    if table.sd is not None and content.statistic != "sd":
        _check_possible_sd(content, table.sd)
        return _positive_difference(content, "sd", table.sd, limit), None
    if table.se is not None:
        return None, _positive_difference(content, "se", table.se, limit)
    if table.ci95 is None:
        return None, None
    low, high = table.ci95
    _check_ordered(content, "ci95", low, high)
    value = getattr(table, content.statistic)
    if not low <= value <= high:
        raise content.entry.refuse(
            "ci95",
            f"is [{low:g}, {high:g}], which does not hold the {content.statistic} {value:g}."
            " Check the three numbers.",
        )
    half = (high - low) / 2
    return None, _positive_difference(content, "ci95", half, limit) / Z_OF_95_PERCENT


def _log_standard_error(content: EntryContent) -> float | None:
    """Standard error of the log of a ratio."""
    if content.table.ci95 is None:
        return None
    low, high = content.table.ci95
    _check_ordered(content, "ci95", low, high)
    ratio = content.table.ratio or 0.0
    if not 0 < low <= ratio <= high:
        raise content.entry.refuse(
            "ci95",
            f"is [{low:g}, {high:g}]; it must hold the ratio {ratio:g}, with limits above 0. For"
            " 49 % higher write ratio = 1.49.",
        )
    return log(high / low) / 2 / Z_OF_95_PERCENT


def _check_possible_sd(content: EntryContent, typed: float) -> None:
    """Refuse an SD that is impossible for patients with plausible values and this mean."""
    scale, n = content.scale, max(content.entry.patients, FEWEST_FOR_SD)
    if content.table.mean is None or isinf(scale.width):
        return
    mean, sd = scale.value(content.table.mean), scale.difference(typed)
    # Bhatia and Davis, American Mathematical Monthly 2000, with n - 1 in the sample SD.
    most = sqrt((mean - scale.low) * (scale.high - mean) * n / (n - 1))
    if sd > most:
        raise content.entry.refuse(
            "sd",
            f"is {scale.describe(typed, sd)}; around a mean of {mean:g} it cannot"
            f" exceed {most:g}. Check both values and the unit.",
        )


def threshold_of(content: EntryContent) -> float | None:
    """Threshold of a count, in the endpoint's unit; None without one."""
    table = content.table
    if table.endpoint == INDEPENDENCE and content.statistic == "count":
        return 0.0
    typed = table.below if table.below is not None else table.above
    if typed is None:
        return None
    check_plausible(content, "below" if table.below is not None else "above", typed)
    return content.scale.value(typed)


def count_side(content: EntryContent) -> str:
    """Side of the threshold on which patients are counted; empty without a threshold."""
    if content.table.endpoint == INDEPENDENCE and content.statistic == "count":
        return "below"
    condition_keys = [
        key for key in ("below", "above", "below_baseline") if getattr(content.table, key)
    ]
    return condition_keys[0] if condition_keys else ""


def check_plausible(content: EntryContent, key: str, typed: float) -> None:
    """Raise ``BadEvidence`` for a value that is implausible for one patient."""
    scale, value = content.scale, content.scale.value(typed)
    if scale.low <= value <= scale.high:
        return
    # A fraction typed in place of a percentage, as in spreadsheets.
    fraction = scale.unit == "%" and scale.low <= 100 * value <= scale.high
    remedy = "Check the value and its unit."
    if fraction:
        remedy = f"For {100 * typed:g} % write {100 * typed:g}."
    raise content.entry.refuse(
        key,
        f"is {scale.describe(typed, value)}; plausible is {scale.low:g} to {scale.high:g}."
        f" {remedy}",
    )


def _check_ordered(content: EntryContent, key: str, low: float, high: float) -> None:
    if not low < high:
        raise content.entry.refuse(
            key, f"is [{low:g}, {high:g}]; the lower must come first. Write [lower, upper]."
        )


def _check_count(content: EntryContent) -> None:
    table, entry = content.table, content.entry
    count, total = table.count or 0, table.of or 0
    if count > total:
        raise entry.refuse(
            "count", f"is {count}; it cannot exceed of = {total}. Correct one of them."
        )
    keys = ("below", "above", "below_baseline")
    condition_keys = [key for key in keys if getattr(table, key) is not None]
    if len(condition_keys) > 1:
        raise entry.refuse(
            condition_keys[1], f"and {condition_keys[0]} are two conditions. Keep one an entry."
        )
    if condition_keys and (entry.is_of_events or table.endpoint in COUNTED):
        raise entry.refuse(condition_keys[0], f"does not fit {table.endpoint}. Remove it.")
    if table.endpoint in {*ENDPOINTS, REMISSION} and table.unused is None:
        if not condition_keys and table.endpoint != REMISSION:
            raise entry.refuse(
                "count", f"is {count} of what? Add below = ..., above = ... or below_baseline."
            )
        if len(content.months) != 1:
            raise entry.refuse("months", "does not fit: a count is of one visit. Write month.")
        if condition_keys == ["below_baseline"] and content.months[0] == 0:
            raise entry.refuse("month", "is 0, the baseline itself. Give the later visit.")
