"""One table of an evidence file to one reported number in the endpoint's own unit."""

from dataclasses import dataclass, replace
from math import isinf, nan, sqrt

from phase2sim.endpoints import ENDPOINTS
from phase2sim.evidence_files import ReportedTable
from phase2sim.evidence_statistics import STATISTICS, Entry, months_of, statistic_of, unknown
from phase2sim.evidence_units import MODELLED, Scale, scale_of
from phase2sim.knowledge import Normal, Reported

Z_OF_95_PERCENT = 1.959963984540054
FEWEST_FOR_SD = 2
# The standard error of atanh(r) is 1 / sqrt(n - 3); intercept, arm and first visit leave a residual
# SD n - 3 degrees of freedom.
FEWEST_PATIENTS = {"correlation": 4, "residual_sd": 4}


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry with what was found out about it so far."""

    entry: Entry
    statistic: str
    scale: Scale
    months: tuple[float, ...]
    elicited: Normal | None = None

    @property
    def table(self) -> ReportedTable:
        return self.entry.table


def to_reported(entry: Entry, label: str) -> Reported:
    """Read one entry of the file called ``label``.

    Raises ``BadEvidence`` where keys do not fit together or a value is impossible.
    """
    statistic = statistic_of(entry)
    scale = scale_of(entry, statistic)
    read = _Read(entry, statistic, scale, months_of(entry, statistic), _elicited(entry, scale))
    _check_with_endpoint(read)
    _check_patients(entry)
    reported = _assemble(read, label)
    _check_sample_size(entry, reported)
    return _geometric_to_model(read, reported) if statistic == "geometric_mean" else reported


def _assemble(read: _Read, label: str) -> Reported:
    entry, table = read.entry, read.table
    value = _value(read)
    sd, se = _spread(read)
    return Reported(
        file=label,
        number=entry.number,
        study=entry.arm.study,
        arm=entry.arm.arm,
        endpoint=table.endpoint,
        statistic=read.statistic,
        value=value,
        n=entry.patients,
        months=read.months,
        clock=table.clock,
        status="elicited" if read.elicited else table.status or "published",
        source=table.source or entry.arm.source,
        as_reported=_as_reported(read),
        unit=read.scale.unit,
        on_model_scale=read.scale.on_model,
        sd=sd,
        se=se,
        threshold=_threshold(read),
        beyond=_beyond(read),
        elicited=read.elicited,
        place=table.place,
        why=table.why or "",
        with_endpoint=table.with_endpoint or "",
        note=table.note,
        unused=_unused(read),
    )


def _elicited(entry: Entry, scale: Scale) -> Normal | None:
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


def _value(read: _Read) -> float:
    table, scale, statistic = read.table, read.scale, read.statistic
    typed = getattr(table, statistic)
    if read.elicited or statistic == "statement":
        return nan
    if statistic in {"quartiles", "range"}:
        _check_ordered(read, statistic, *typed)
        for bound in typed:
            _check_plausible(read, statistic, bound)
        return nan
    if statistic in {"mean", "median", "geometric_mean"}:
        _check_plausible(read, statistic, typed)
        return scale.value(typed)
    if statistic in {"sd", "residual_sd"}:
        return _positive_difference(read, statistic, typed, scale.width / 2)
    if statistic in {"change", "slope"}:
        return _difference(read, statistic, typed)
    if statistic == "count":
        _check_count(read)
    return float(typed)


def _difference(read: _Read, key: str, typed: float) -> float:
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


def _positive_difference(read: _Read, key: str, typed: float, limit: float) -> float:
    value = read.scale.difference(typed)
    if not value <= limit:
        raise read.entry.refuse(
            key,
            f"is {read.scale.said(typed, value)}; plausible values leave at most"
            f" {limit:g}. Check the value and its unit.",
        )
    return value


def _spread(read: _Read) -> tuple[float | None, float | None]:
    table, scale = read.table, read.scale
    given = [key for key in ("sd", "se", "ci95") if getattr(table, key) is not None]
    if len(given) > 1:
        raise read.entry.refuse(
            given[1], f"says the same as {given[0]}. Keep the one that the source prints."
        )
    limit = scale.width if read.statistic in {"change", "slope"} else scale.width / 2
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


def _check_possible_sd(read: _Read, typed: float) -> None:
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


def _geometric_to_model(read: _Read, reported: Reported) -> Reported:
    """Turn exp(mean ln(x + 1)) - 1 and its interval into a mean and its SE on the model scale."""
    scale = read.scale
    if scale.on_model:
        raise read.entry.refuse(
            "geometric_mean", f"is in {scale.unit!r}. On the model scale write mean = ..."
        )
    if reported.unused or scale.converts is None:
        return reported
    to_model = scale.converts.to_model
    se = None
    if read.table.ci95 is not None:
        for bound in read.table.ci95:
            _check_plausible(read, "ci95", bound)
        low, high = (to_model(scale.value(bound)) for bound in read.table.ci95)
        se = (high - low) / 2 / Z_OF_95_PERCENT
    return replace(
        reported,
        value=to_model(reported.value),
        se=se,
        unit=scale.converts.model_unit,
        on_model_scale=True,
    )


def _threshold(read: _Read) -> float | None:
    table = read.table
    typed = table.below if table.below is not None else table.above
    if typed is None:
        return None
    _check_plausible(read, "below" if table.below is not None else "above", typed)
    return read.scale.value(typed)


def _beyond(read: _Read) -> str:
    given = [key for key in ("below", "above", "below_baseline") if getattr(read.table, key)]
    return given[0] if given else ""


def _unused(read: _Read) -> str:
    """Say why no likelihood reads this number; empty if one does."""
    table, statistic, scale = read.table, read.statistic, read.scale
    if table.unused or scale.unread:
        return table.unused or scale.unread
    other = table.with_endpoint
    if other and other not in MODELLED:
        return f"{ENDPOINTS[other].label} is not modelled yet"
    endpoint = ENDPOINTS[table.endpoint]
    raw_is_model = endpoint.unit == endpoint.model_unit
    unspread = table.sd is None and table.se is None and table.ci95 is None and not read.elicited
    reasons = {
        "averages over several months are not modelled yet": (
            statistic == "mean" and len(read.months) > 1
        ),
        f"a {statistic} without its SD, SE or interval cannot be weighed": (
            statistic in {"change", "slope"} and unspread
        ),
        f"a geometric mean of {endpoint.label} is not modelled": (
            statistic == "geometric_mean" and raw_is_model
        ),
        "slopes are modelled in the endpoint's own unit only": (
            statistic == "slope" and scale.on_model
        ),
        f"a {statistic.replace('_', ' ')} is modelled on {endpoint.model_unit} only": (
            statistic in FEWEST_PATIENTS and not scale.on_model and not raw_is_model
        ),
    }
    holding = (reason for reason, holds in reasons.items() if holds)
    return STATISTICS[statistic].not_read or next(holding, "")


def _as_reported(read: _Read) -> str:
    """Write the number as the file has it."""
    table, statistic = read.table, read.statistic
    typed = getattr(table, statistic)
    if table.elicited is not None and read.elicited is not None:
        words = f'"{table.statement}"; ' if table.statement else ""
        drawn = f"N({read.elicited.mean:.12g}, {read.elicited.sd:.12g})"
        what = f"{statistic}{_other_words(table)} ~ {drawn}"
        return f"{words}elicited {what}{_change_unit(read)}"
    if statistic == "statement":
        return f'"{typed}"'
    unit = f" {table.unit}" if table.unit else ""
    if statistic == "count":
        return f"{typed} of {table.of}{_beyond_words(table, unit)}"
    if statistic in {"quartiles", "range"}:
        return f"{typed[0]:.12g} to {typed[1]:.12g}{unit}"
    if statistic == "correlation":
        return f"{typed:.12g}{_other_words(table)}"
    after = {"slope": f"{unit} per month", "percent_change": " %", "events": " events"}
    return f"{typed:.12g}{_spread_words(table, statistic)}{after.get(statistic, unit)}"


def _other_words(table: ReportedTable) -> str:
    return f" with {ENDPOINTS[table.with_endpoint].label}" if table.with_endpoint else ""


def _change_unit(read: _Read) -> str:
    return f" {read.scale.unit}" if read.statistic == "change" else ""


def _beyond_words(table: ReportedTable, unit: str) -> str:
    if table.below_baseline:
        return " below own baseline"
    for key, threshold in (("below", table.below), ("above", table.above)):
        if threshold is not None:
            return f" {key} {threshold:.12g}{unit}"
    return ""


def _spread_words(table: ReportedTable, statistic: str) -> str:
    if table.sd is not None and statistic != "sd":
        return f" (SD {table.sd:.12g})"
    if table.se is not None:
        return f" (SE {table.se:.12g})"
    if table.ci95 is not None:
        return f" (95 % CI {table.ci95[0]:.12g} to {table.ci95[1]:.12g})"
    return ""


def _check_plausible(read: _Read, key: str, typed: float) -> None:
    value = read.scale.value(typed)
    if not read.scale.low <= value <= read.scale.high:
        raise read.entry.refuse(
            key,
            f"is {read.scale.said(typed, value)}; plausible is"
            f" {read.scale.low:g} to {read.scale.high:g}. Check the value and its unit.",
        )


def _check_ordered(read: _Read, key: str, low: float, high: float) -> None:
    if not low < high:
        raise read.entry.refuse(
            key, f"is [{low:g}, {high:g}]; the lower must come first. Write [lower, upper]."
        )


def _check_count(read: _Read) -> None:
    table, entry = read.table, read.entry
    count, of = table.count or 0, table.of or 0
    if count > of:
        raise entry.refuse("count", f"is {count}; it cannot exceed of = {of}. Correct one of them.")
    keys = ("below", "above", "below_baseline")
    given = [key for key in keys if getattr(table, key) is not None]
    if len(given) > 1:
        raise entry.refuse(given[1], f"and {given[0]} are two conditions. Keep one an entry.")
    if table.endpoint in ENDPOINTS and table.unused is None:
        if not given:
            raise entry.refuse(
                "count", f"is {count} of what? Add below = ..., above = ... or below_baseline."
            )
        if len(read.months) != 1:
            raise entry.refuse("months", "does not fit: a count is of one visit. Write month.")
        if given == ["below_baseline"] and read.months[0] == 0:
            raise entry.refuse("month", "is 0, the baseline itself. Give the later visit.")


def _check_with_endpoint(read: _Read) -> None:
    other = read.table.with_endpoint
    if other is None:
        return
    if other not in ENDPOINTS:
        raise unknown(read.entry, "with_endpoint", other, list(ENDPOINTS))
    if other == read.table.endpoint or read.statistic != "correlation":
        raise read.entry.refuse(
            "with_endpoint",
            f"is {other!r}; it names the other endpoint of a correlation. Correct or remove it.",
        )


def _check_patients(entry: Entry) -> None:
    table, most = entry.table, entry.arm.patients
    if table.of and table.n and table.of != table.n:
        raise entry.refuse("n", f"is {table.n} but of = {table.of}. Leave n out of a count.")
    key = "of" if table.of else "n"
    if most and entry.patients > most:
        raise entry.refuse(
            key, f"is {entry.patients}; the study has {most} patients. Correct one of them."
        )


def _check_sample_size(entry: Entry, reported: Reported) -> None:
    """Refuse a number that would be read and has too few patients, or an unknown number."""
    if reported.unused or reported.elicited:
        return
    fewest = FEWEST_PATIENTS.get(reported.statistic, 1)
    fewest = FEWEST_FOR_SD if reported.sd is not None else fewest
    if reported.statistic in {"change", "slope"} and reported.se is not None:
        return
    if reported.n == 0:
        raise entry.refuse("n", "is missing, and the study gives no patients. Add n = ...")
    if reported.n < fewest:
        raise entry.refuse(
            "n", f"is {reported.n}; a {reported.statistic} like this needs {fewest} or more."
        )
