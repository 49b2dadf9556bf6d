"""The values of one table of an evidence file: checked, and in the endpoint's own unit."""

from dataclasses import dataclass
from math import isinf, nan, sqrt

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import Normal
from phase2sim.evidence.statistics import EvidenceEntry
from phase2sim.evidence.tables import ReportedTable
from phase2sim.evidence.units import INDEPENDENCE, Scale

Z_OF_95_PERCENT = 1.959963984540054
FEWEST_FOR_SD = 2
BOUNDS = ("quartiles", "range")
SPANS = ("change", "slope", "difference")  # their spread is that of a difference


@dataclass(frozen=True, slots=True)
class EntryContent:
    """An entry with what was found out about it so far."""

    entry: EvidenceEntry
    statistic: str
    scale: Scale
    months: tuple[float, ...]
    elicited: Normal | None = None

    @property
    def table(self) -> ReportedTable:
        """The keys as they stand in the file."""
        return self.entry.table


def elicited_normal(entry: EvidenceEntry, scale: Scale) -> Normal | None:
    """Our own distribution, or None; raises ``BadEvidence`` for an impossible one."""
    elicited = entry.table.elicited
    if elicited is None:
        return None
    about, table = ("change", elicited.change) if elicited.change else ("", elicited.correlation)
    if table is None:
        return None
    mean, sd = table.normal
    endpoint = ENDPOINTS.get(entry.table.endpoint)
    limit = endpoint.largest_effect if about == "change" and endpoint else 1.0
    key = f"elicited.{about or 'correlation'}.normal"
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


def value_of(read: EntryContent) -> float:
    """Value in the endpoint's own unit; nan for words, an elicited statement and two bounds.

    Raises ``BadEvidence`` for a value that no patients can have.
    """
    table, scale, statistic = read.table, read.scale, read.statistic
    typed = getattr(table, statistic)
    if read.elicited or statistic in {"statement", *BOUNDS}:
        return nan
    if statistic in {"mean", "median", "geometric_mean"}:
        check_plausible(read, statistic, typed)
        return scale.value(typed)
    if statistic in {"sd", "residual_sd"}:
        return _positive_difference(read, statistic, typed, scale.width / 2)
    if statistic in SPANS:
        return _difference(read, statistic, typed)
    if statistic == "rate":
        return scale.value(typed)
    if statistic == "percent_change":
        _check_percent(read, typed)
    if statistic == "count":
        _check_count(read)
    return float(typed)


def quantile_bounds(read: EntryContent) -> tuple[float, float] | None:
    """Quartiles or range in the endpoint's own unit, the lower first."""
    if read.statistic not in BOUNDS:
        return None
    low, high = getattr(read.table, read.statistic)
    _check_ordered(read, read.statistic, low, high)
    for bound in (low, high):
        check_plausible(read, read.statistic, bound)
    return read.scale.value(low), read.scale.value(high)


def _check_percent(read: EntryContent, typed: float) -> None:
    if 0 < abs(typed) < 1 and read.table.unused is None:
        raise read.entry.refuse(
            "percent_change",
            f"is {typed:g}, that is {typed:g} %: it looks like a fraction."
            f" For {100 * typed:g} % write {100 * typed:g}; give a smaller change as a change.",
        )


def _difference(read: EntryContent, key: str, typed: float) -> float:
    value = read.scale.difference(typed)
    length = read.months[1] - read.months[0] if key == "slope" else 1.0
    limit = read.scale.width / length
    if not abs(value) <= limit:
        raise read.entry.refuse(
            key,
            f"is {read.scale.said(typed, value)}; it cannot exceed {limit:g}."
            " Check the value and its unit.",
        )
    return value


def _positive_difference(read: EntryContent, key: str, typed: float, limit: float) -> float:
    value = read.scale.difference(typed)
    if not value <= limit:
        raise read.entry.refuse(
            key,
            f"is {read.scale.said(typed, value)}; plausible values leave at most"
            f" {limit:g}. Check the value and its unit.",
        )
    return value


def spread_of(read: EntryContent) -> tuple[float | None, float | None]:
    """SD and standard error in the endpoint's own unit, whichever the entry gives.

    Raises ``BadEvidence`` for two of them, or one that no patients can have.
    """
    table, scale = read.table, read.scale
    given = [key for key in ("sd", "se", "ci95") if getattr(table, key) is not None]
    if len(given) > 1:
        raise read.entry.refuse(
            given[1], f"says the same as {given[0]}. Keep the one that the source prints."
        )
    limit = scale.width if read.statistic in SPANS else scale.width / 2
    if table.sd is not None and read.statistic != "sd":
        _check_possible_sd(read, table.sd)
        return _positive_difference(read, "sd", table.sd, limit), None
    if table.se is not None:
        return None, _positive_difference(read, "se", table.se, limit)
    if table.ci95 is None:
        return None, None
    low, high = table.ci95
    _check_ordered(read, "ci95", low, high)
    value = getattr(table, read.statistic)
    if not low <= value <= high:
        raise read.entry.refuse(
            "ci95",
            f"is [{low:g}, {high:g}], which does not hold the {read.statistic} {value:g}."
            " Check the three numbers.",
        )
    half = (high - low) / 2
    return None, _positive_difference(read, "ci95", half, limit) / Z_OF_95_PERCENT


def _check_possible_sd(read: EntryContent, typed: float) -> None:
    """Refuse an SD that no patients with plausible values and this mean can have."""
    scale, n = read.scale, max(read.entry.patients, FEWEST_FOR_SD)
    if read.table.mean is None or isinf(scale.width):
        return
    mean, sd = scale.value(read.table.mean), scale.difference(typed)
    # Bhatia and Davis, American Mathematical Monthly 2000, with n - 1 in the sample SD.
    most = sqrt((mean - scale.low) * (scale.high - mean) * n / (n - 1))
    if sd > most:
        raise read.entry.refuse(
            "sd",
            f"is {scale.said(typed, sd)}; around a mean of {mean:g} it cannot"
            f" exceed {most:g}. Check both values and the unit.",
        )


def threshold_of(read: EntryContent) -> float | None:
    """Value that the counted patients are beyond, in the endpoint's own unit."""
    table = read.table
    if table.endpoint == INDEPENDENCE and read.statistic == "count":
        return 0.0
    typed = table.below if table.below is not None else table.above
    if typed is None:
        return None
    check_plausible(read, "below" if table.below is not None else "above", typed)
    return read.scale.value(typed)


def count_side(read: EntryContent) -> str:
    """On which side of the threshold the counted patients are."""
    if read.table.endpoint == INDEPENDENCE and read.statistic == "count":
        return "below"
    given = [key for key in ("below", "above", "below_baseline") if getattr(read.table, key)]
    return given[0] if given else ""


def check_plausible(read: EntryContent, key: str, typed: float) -> None:
    """Raise ``BadEvidence`` for a value that no patient has."""
    scale, value = read.scale, read.scale.value(typed)
    if scale.low <= value <= scale.high:
        return
    # A share of 1 in place of a percentage, as spreadsheets hold them.
    fraction = scale.unit == "%" and scale.low <= 100 * value <= scale.high
    remedy = "Check the value and its unit."
    if fraction:
        remedy = f"For {100 * typed:g} % write {100 * typed:g}."
    raise read.entry.refuse(
        key,
        f"is {scale.said(typed, value)}; plausible is {scale.low:g} to {scale.high:g}. {remedy}",
    )


def _check_ordered(read: EntryContent, key: str, low: float, high: float) -> None:
    if not low < high:
        raise read.entry.refuse(
            key, f"is [{low:g}, {high:g}]; the lower must come first. Write [lower, upper]."
        )


def _check_count(read: EntryContent) -> None:
    table, entry = read.table, read.entry
    count, of = table.count or 0, table.of or 0
    if count > of:
        raise entry.refuse("count", f"is {count}; it cannot exceed of = {of}. Correct one of them.")
    keys = ("below", "above", "below_baseline")
    given = [key for key in keys if getattr(table, key) is not None]
    if len(given) > 1:
        raise entry.refuse(given[1], f"and {given[0]} are two conditions. Keep one an entry.")
    if given and (entry.is_of_events or table.endpoint == INDEPENDENCE):
        raise entry.refuse(given[0], f"does not fit {table.endpoint}. Remove it.")
    if table.endpoint in ENDPOINTS and table.unused is None:
        if not given:
            raise entry.refuse(
                "count", f"is {count} of what? Add below = ..., above = ... or below_baseline."
            )
        if len(read.months) != 1:
            raise entry.refuse("months", "does not fit: a count is of one visit. Write month.")
        if given == ["below_baseline"] and read.months[0] == 0:
            raise entry.refuse("month", "is 0, the baseline itself. Give the later visit.")
