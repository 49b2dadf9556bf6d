"""One table of an evidence file to one reported number in the endpoint's own unit."""

from dataclasses import replace

from phase2sim.core.endpoints import ENDPOINTS, Endpoint
from phase2sim.evidence.as_reported import reported_text
from phase2sim.evidence.reported import Reported
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
    count_side,
    check_plausible,
    elicited_normal,
    quantile_bounds,
    spread_of,
    threshold_of,
    value_of,
)

# The standard error of atanh(r) is 1 / sqrt(n - 3); intercept, arm and first visit leave a residual
# SD n - 3 degrees of freedom. Below 4 patients the first quartile is no patient's or the smallest.
FEWEST_PATIENTS = {"correlation": 4, "residual_sd": 4, "quartiles": 4, "range": 2, "sd": 2}
WEIGHED_BY_SE = (*SPANS, "percent_change", "rate")  # with one, n does not matter


def parse_entry(entry: EvidenceEntry, label: str) -> Reported:
    """Read one entry of the file called ``label``.

    Raises ``BadEvidence`` where keys do not fit together or a value is impossible.
    """
    statistic = statistic_of(entry)
    scale = scale_of(entry, statistic)
    read = EntryContent(entry, statistic, scale, entry_months(entry, statistic), elicited_normal(entry, scale))
    _check_with_endpoint(read)
    _check_patients(entry)
    reported = _assemble(read, label)
    _check_sample_size(entry, reported)
    return _geometric_to_model(read, reported) if statistic == "geometric_mean" else reported


def _assemble(read: EntryContent, label: str) -> Reported:
    entry, table = read.entry, read.table
    value = value_of(read)
    sd, se = spread_of(read)
    reported = Reported(
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
        as_reported=reported_text(read),
        unit=read.scale.unit,
        on_model_scale=read.scale.on_model,
        sd=sd,
        se=se,
        threshold=threshold_of(read),
        beyond=count_side(read),
        bounds=quantile_bounds(read),
        quantile_method=table.quantile_method or "hazen",
        by_weight=read.scale.by_weight,
        elicited=read.elicited,
        place=table.place,
        why=table.why or "",
        with_endpoint=table.with_endpoint or "",
        versus=table.versus or "",
        note=table.note,
        unused=_unused(read),
    )
    return _independent(reported) if table.endpoint == INDEPENDENCE else reported


def _independent(reported: Reported) -> Reported:
    """Patients without insulin are those whose dose is 0, at the last month if a span is given."""
    if reported.statistic != "count" or reported.unused:
        return reported
    read_as = f"read as a dose of 0 at month {reported.months[-1]:g}"
    return replace(
        reported,
        endpoint="insulin",
        months=reported.months[-1:],
        note=f"{reported.note}; {read_as}" if reported.note else read_as,
    )


def _geometric_to_model(read: EntryContent, reported: Reported) -> Reported:
    """Turn a mean of logarithms that was transformed back into one, with its interval."""
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
            check_plausible(read, "ci95", bound)
        low, high = (to_model(scale.value(bound)) for bound in read.table.ci95)
        se = (high - low) / 2 / Z_OF_95_PERCENT
    return replace(
        reported,
        value=to_model(reported.value),
        se=se,
        unit=scale.converts.model_unit,
        on_model_scale=True,
    )


def _unused(read: EntryContent) -> str:
    """Say why no likelihood reads this number; empty if one does."""
    table, statistic, scale = read.table, read.statistic, read.scale
    if table.unused or scale.unread:
        return table.unused or scale.unread
    not_read = STATISTICS[statistic].not_read
    unspread = table.sd is None and table.se is None and table.ci95 is None and not read.elicited
    reasons = {
        not_read: bool(not_read),
        "an average over several months is not modelled": (
            statistic == "mean" and len(read.months) > 1
        ),
        f"a {statistic} without its SD, SE or interval cannot be weighed": (
            statistic in SPANS and unspread
        ),
        "a rate without its SE or interval cannot be weighed; write events and patients": (
            statistic == "rate" and unspread
        ),
    }
    if table.endpoint in ENDPOINTS:
        reasons |= _unread_on_scale(read, ENDPOINTS[table.endpoint])
    return next((reason for reason, holds in reasons.items() if holds), "")


def _unread_on_scale(read: EntryContent, endpoint: Endpoint) -> dict[str, bool]:
    statistic, scale = read.statistic, read.scale
    raw_is_model = endpoint.transformation == "identity"
    of_logarithms = endpoint.transformation.startswith("log")
    return {
        f"a geometric mean of {endpoint.label} is not modelled": (
            statistic == "geometric_mean" and not of_logarithms
        ),
        f"a percentage of {endpoint.label} depends on the unit, whose zeros differ": (
            statistic == "percent_change" and not _has_true_zero(endpoint)
        ),
        "slopes are modelled in the endpoint's own unit only": (
            statistic == "slope" and scale.on_model
        ),
        f"a {statistic.replace('_', ' ')} is modelled on {endpoint.model_unit} only": (
            statistic in {"correlation", "residual_sd"} and not scale.on_model and not raw_is_model
        ),
    }


def _has_true_zero(endpoint: Endpoint) -> bool:
    """Whether 0 is 0 in every unit, so that a percentage means the same in each."""
    return all(convert(0.0) == 0.0 for convert in endpoint.units.values())


def _check_with_endpoint(read: EntryContent) -> None:
    other = read.table.with_endpoint
    if other is None:
        return
    if other not in ENDPOINTS:
        raise unknown_name(read.entry, "with_endpoint", other, list(ENDPOINTS))
    if other == read.table.endpoint or read.statistic != "correlation":
        raise read.entry.refuse(
            "with_endpoint",
            f"is {other!r}; it names the other endpoint of a correlation. Correct or remove it.",
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


def _check_sample_size(entry: EvidenceEntry, reported: Reported) -> None:
    """Refuse a number that would be read and has too few patients, or an unknown number."""
    if reported.unused or reported.elicited:
        return
    fewest = FEWEST_PATIENTS.get(reported.statistic, 1)
    fewest = FEWEST_FOR_SD if reported.sd is not None else fewest
    if reported.statistic in WEIGHED_BY_SE and reported.se is not None:
        return
    if reported.n == 0:
        raise entry.refuse("n", "is missing, and the study gives no patients. Add n = ...")
    if reported.n < fewest:
        raise entry.refuse(
            "n", f"is {reported.n}; a {reported.statistic} like this needs {fewest} or more."
        )
