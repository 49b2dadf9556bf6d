"""Conversion of one [[reported]] table to one number in the endpoint's unit."""

import math
from dataclasses import replace

from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.evidence.as_reported import reported_text
from phase2sim.evidence.reported import ReportedNumber
from phase2sim.evidence.smallest_spreads import check_not_too_small
from phase2sim.evidence.statistics import (
    STATISTICS,
    EvidenceEntry,
    entry_months,
    statistic_of,
    unknown_name,
)
from phase2sim.evidence.units import INDEPENDENCE, scale_of
from phase2sim.evidence.values import (
    FEWEST_FOR_SD,
    SPANS,
    Z_OF_95_PERCENT,
    EntryContent,
    check_plausible,
    count_side,
    elicited_normal,
    quantile_bounds,
    reading_error,
    spread_of,
    threshold_of,
    value_of,
)

# Of three patients a correlation says nearly nothing. A residual SD after intercept, arm and first
# visit has n - 3 degrees of freedom. With fewer than 4 patients the first quartile is the smallest
# value or none.
FEWEST_PATIENTS = {"correlation": 4, "residual_sd": 4, "quartiles": 4, "range": 2, "sd": 2}
WEIGHED_BY_SE = (
    *SPANS,
    "percent_change",
    "ratio",
    "rate",
)  # with a standard error, n is not needed


def parse_entry(entry: EvidenceEntry, label: str) -> ReportedNumber:
    """Convert one entry of the file called ``label``.

    Raises ``BadEvidence`` if keys contradict each other or a value is impossible.
    """
    statistic = statistic_of(entry)
    scale = scale_of(entry, statistic)
    content = EntryContent(
        entry, statistic, scale, entry_months(entry, statistic), elicited_normal(entry, scale)
    )
    _check_with_endpoint(content)
    _check_patients(entry)
    number = _assemble(content, label)
    _check_sample_size(entry, number)
    check_not_too_small(content, number)
    if statistic == "ratio":
        return _ratio_to_model(content, number)
    return _geometric_to_model(content, number) if statistic == "geometric_mean" else number


def _ratio_to_model(content: EntryContent, number: ReportedNumber) -> ReportedNumber:
    """Read a ratio as a difference of logarithms where the model scale is one, or so stated."""
    endpoint = ENDPOINTS.get(number.endpoint)
    is_log = endpoint is not None and endpoint.scale.name == "log"
    if number.unused or endpoint is None or not (is_log or content.scale.on_model):
        return number
    if not endpoint.scale.is_logarithm:
        raise content.entry.refuse(
            "unit", f"is {content.scale.unit!r}, which has no logarithm. Leave the unit out."
        )
    return replace(
        number,
        statistic="difference",
        value=math.log(number.value),
        on_model_scale=True,
        unit=endpoint.model_unit,
    )


def _assemble(content: EntryContent, label: str) -> ReportedNumber:
    entry, table = content.entry, content.table
    value = value_of(content)
    sd, se = spread_of(content)
    number = ReportedNumber(
        file=label,
        number=entry.number,
        study=entry.arm.study,
        arm=entry.arm.arm,
        endpoint=table.endpoint,
        statistic=content.statistic,
        value=value,
        n=entry.patients,
        months=content.months,
        clock=table.clock,
        status="elicited" if content.elicited else table.status or "published",
        source=table.source or entry.arm.source,
        as_reported=reported_text(content),
        unit=content.scale.unit,
        on_model_scale=content.scale.on_model,
        sd=sd,
        se=se,
        reading_sd=reading_error(content),
        threshold=threshold_of(content),
        beyond=count_side(content),
        bounds=quantile_bounds(content),
        quantile_method=table.quantile_method or "hazen",
        by_weight=content.scale.by_weight,
        elicited=content.elicited,
        place_in_source=table.place,
        why=table.why or "",
        with_endpoint=table.with_endpoint or "",
        versus=table.versus or "",
        note=table.note,
        unused=_unused_reason(content),
    )
    if number.is_average and not number.unused:
        return _read_average(number)
    return _read_independence(number) if table.endpoint == INDEPENDENCE else number


def _read_average(number: ReportedNumber) -> ReportedNumber:
    """Read the SD of patients' averages as the standard error of their mean only."""
    if number.sd is None or number.se is not None or not number.n:
        return replace(number, sd=None)
    return replace(number, sd=None, se=number.sd / math.sqrt(number.n))


def _read_independence(number: ReportedNumber) -> ReportedNumber:
    """Read patients without insulin as a dose of 0, at the last month of a span."""
    if number.statistic != "count" or number.unused:
        return number
    read_as = f"read as a dose of 0 at month {number.months[-1]:g}"
    return replace(
        number,
        endpoint="insulin",
        months=number.months[-1:],
        note=f"{number.note}; {read_as}" if number.note else read_as,
    )


def _geometric_to_model(content: EntryContent, number: ReportedNumber) -> ReportedNumber:
    """Convert a back-transformed mean of logarithms, and its interval, to the model scale."""
    scale = content.scale
    if scale.on_model:
        raise content.entry.refuse(
            "geometric_mean", f"is in {scale.unit!r}. On the model scale write mean = ..."
        )
    if number.unused or scale.converts is None:
        return number
    to_model = scale.converts.to_model
    se = None
    if content.table.ci95 is not None:
        for bound in content.table.ci95:
            check_plausible(content, "ci95", bound)
        low, high = (to_model(scale.value(bound)) for bound in content.table.ci95)
        se = (high - low) / 2 / Z_OF_95_PERCENT
    reading = number.reading_sd
    if reading is not None:  # by the delta method, its derivative from a small step
        step = 1e-4 * abs(number.value)
        rise = to_model(number.value + step) - to_model(number.value - step)
        reading *= rise / (2.0 * step)
    return replace(
        number,
        value=to_model(number.value),
        se=se,
        reading_sd=reading,
        unit=scale.converts.model_unit,
        on_model_scale=True,
    )


def _unused_reason(content: EntryContent) -> str:
    """Return the reason why no likelihood reads this number; empty if one does."""
    table, statistic, scale = content.table, content.statistic, content.scale
    if table.unused or scale.unread:
        return table.unused or scale.unread
    kind_reason = STATISTICS[statistic].unread_reason
    has_no_spread = (
        table.sd is None and table.se is None and table.ci95 is None and not content.elicited
    )
    is_average = statistic == "mean" and len(content.months) > 1
    reasons = {
        kind_reason: bool(kind_reason),
        "an average over several months without its SD, SE or interval cannot be weighed": (
            is_average and has_no_spread
        ),
        "an average over several months of treated patients is not modelled": (
            is_average and content.entry.arm.treated
        ),
        f"a {statistic} without its SD, SE or interval cannot be weighed": (
            statistic in SPANS and has_no_spread
        ),
        "a rate without its SE or interval cannot be weighed; write events and patients": (
            statistic == "rate" and has_no_spread
        ),
    }
    if table.endpoint in ENDPOINTS:
        reasons |= _unread_on_scale(content, ENDPOINTS[table.endpoint])
    return next((reason for reason, holds in reasons.items() if holds), "")


def _unread_on_scale(content: EntryContent, endpoint: Endpoint) -> dict[str, bool]:
    statistic, scale = content.statistic, content.scale
    raw_is_model = endpoint.scale.is_linear
    of_logarithms = endpoint.scale.is_logarithm
    return {
        f"a geometric mean of {endpoint.label} is not modelled": (
            statistic == "geometric_mean" and not of_logarithms
        ),
        f"a percentage of {endpoint.label} depends on the unit, whose zeros differ": (
            statistic in {"percent_change", "ratio"} and not _has_true_zero(endpoint)
        ),
        "slopes are modelled in the endpoint's own unit only": (
            statistic == "slope" and scale.on_model
        ),
        f"a {statistic.replace('_', ' ')} is modelled on {endpoint.model_unit} only": (
            statistic in {"correlation", "residual_sd"} and not scale.on_model and not raw_is_model
        ),
    }


def _has_true_zero(endpoint: Endpoint) -> bool:
    """True if 0 is 0 in every unit, so that a percentage means the same in each."""
    return all(convert(0.0) == 0.0 for convert in endpoint.units.values())


def _check_with_endpoint(content: EntryContent) -> None:
    with_endpoint = content.table.with_endpoint
    if with_endpoint is None:
        return
    if with_endpoint not in ENDPOINTS:
        raise unknown_name(content.entry, "with_endpoint", with_endpoint, list(ENDPOINTS))
    if with_endpoint == content.table.endpoint or content.statistic != "correlation":
        raise content.entry.refuse(
            "with_endpoint",
            f"is {with_endpoint!r}; it names the other endpoint of a correlation."
            " Correct or remove it.",
        )


def _check_patients(entry: EvidenceEntry) -> None:
    table, most = entry.table, entry.most_patients
    if table.of and table.n and table.of != table.n:
        raise entry.refuse("n", f"is {table.n} but of = {table.of}. Leave n out of a count.")
    key = "of" if table.of else "n"
    if most and entry.patients > most:
        raise entry.refuse(
            key, f"is {entry.patients}; the study has {most} patients. Correct one of them."
        )


def _check_sample_size(entry: EvidenceEntry, number: ReportedNumber) -> None:
    """Refuse a number for the fit that has too few patients, or an unknown number of them."""
    if number.unused or number.elicited:
        return
    fewest = FEWEST_PATIENTS.get(number.statistic, 1)
    fewest = FEWEST_FOR_SD if number.sd is not None else fewest
    if number.statistic in WEIGHED_BY_SE and number.se is not None:
        return
    if number.n == 0:
        raise entry.refuse("n", "is missing, and the study gives no patients. Add n = ...")
    if number.n < fewest:
        raise entry.refuse(
            "n", f"is {number.n}; a {number.statistic} like this needs {fewest} or more."
        )
