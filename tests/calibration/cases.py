"""Reports of ten patients of one endpoint, one case for each kind of number."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from calibration.simulated import Case, Draws, Floats, Quantity
from support.reports import arm, entry, evidence

from phase2sim.core.history_priors import PRIORS, EndpointPriors
from phase2sim.evidence.reported import Evidence, Normal, ReportedNumber

KNOTS = {3.0: 1, 6.0: 2, 12.0: 3}
ENDPOINTS = ("hba1c", "c_peptide", "insulin", "glucose")
IN_OWN_UNIT = {"hba1c": lambda m: m, "c_peptide": np.expm1, "insulin": np.square, "glucose": np.exp}
SPAN = (3.0, 6.0)

# Plausible patients: under the shipped priors some truths are children with an HbA1c of 3 %, or
# half of whose doses are 0, of whom no paper reports a mean.
REALISTIC: Mapping[str, EndpointPriors] = {
    "hba1c": replace(PRIORS["hba1c"], first_mean=(11.0, 1.0), mean_step=(-3.0, 1.0)),
    "c_peptide": replace(PRIORS["c_peptide"], first_mean=(0.5, 0.1), mean_step=(0.0, 0.1)),
    "insulin": replace(
        PRIORS["insulin"],
        first_mean=(0.8, 0.1),
        mean_step=(-0.1, 0.05),
        first_log_sd=(-1.7, 0.25),
        log_sd_step=(0.0, 0.1),
    ),
    "glucose": PRIORS["glucose"],
}
LOW_DOSES = {"insulin": replace(REALISTIC["insulin"], first_mean=(0.4, 0.15))}


def of(variable: str, *index: int) -> Quantity:
    """One element of a variable."""
    return lambda draws, _: draws[variable][(slice(None), *index)]


def visit(month: float, endpoint: int = 0, label: str = "") -> dict[str, Quantity]:
    """Mean and SD of the average study at one visit, which is a knot."""
    knot = KNOTS[month]
    return {
        f"{label}mean, month {month:g}": of("history", endpoint, knot),
        f"{label}SD, month {month:g}": of("sd", endpoint, knot),
    }


def change() -> dict[str, Quantity]:
    """Change of the mean from month 3 to 6."""
    return {"change": lambda draws, _: draws["history"][:, 0, 2] - draws["history"][:, 0, 1]}


SHARE = {"share": of("patient_share", 0)}
STUDIES = {"between studies": of("level_sd", 0)}


def gap(endpoint: str) -> dict[str, Quantity]:
    """Distance of the first reported number from what a draw expects of it.

    Ranks of parameters alone cannot see a fit that ignores its data; ranks of what depends on both
    can (Modrak et al., Bayesian Analysis 2023).
    """

    def distance(draws: Draws, values: Floats) -> Floats:
        expected: Floats = IN_OWN_UNIT[endpoint](draws["history"][:, 0, KNOTS[6.0]])
        return np.abs(expected - values[0])

    return {"gap to the data": distance}


def case(name: str, report: Evidence, quantities: Mapping[str, Quantity]) -> Case:
    """Case of plausible patients."""
    return Case(name, report, quantities, REALISTIC)


def one_visit(name: str, *reported: ReportedNumber) -> Case:
    """Case of one endpoint at month 6, whose first number is near its mean."""
    quantities = visit(6.0) | STUDIES | gap(reported[0].endpoint)
    return case(name, evidence(*reported), quantities)


def means() -> list[Case]:
    """Means with SDs on every scale, with a standard error, and at two visits."""
    two = evidence(entry("mean", 3.0, sd=1.0), entry("mean", 6.0, sd=1.0))
    logged = entry("geometric_mean", endpoint="c_peptide", on_model_scale=True)
    return [
        *(
            one_visit(f"mean with SD, {name}", entry("mean", endpoint=name, sd=1.0))
            for name in ENDPOINTS
        ),
        case("means with SDs of two visits", two, visit(3.0) | visit(6.0) | SHARE),
        one_visit("mean with a standard error", entry("mean", se=0.3)),
        case("geometric mean", evidence(logged), visit(6.0) | STUDIES),
    ]


def medians() -> list[Case]:
    """Medians alone, of two visits, and beside a count."""
    two = evidence(entry("median", 3.0), entry("median", 6.0))
    below = entry("count", threshold=7.5, beyond="below")
    return [
        one_visit("median, hba1c", entry("median")),
        one_visit("median, c_peptide", entry("median", endpoint="c_peptide")),
        case("medians of two visits", two, visit(6.0) | SHARE | change()),
        one_visit("median beside a count", entry("median", value=8.0), below),
    ]


def quantiles() -> list[Case]:
    """Quartiles by every method and a range, alone and beside a median."""
    median, span = entry("median"), entry("range", bounds=(6.0, 10.0))
    of_c_peptide = entry("quartiles", endpoint="c_peptide", bounds=(0.4, 0.8))
    return [
        *(
            one_visit(
                f"quartiles ({method}) beside a median",
                median,
                entry("quartiles", bounds=(7.0, 9.0), quantile_method=method),
            )
            for method in ("hazen", "weibull", "linear")
        ),
        one_visit("range beside a median", median, span),
        case("quartiles alone", evidence(of_c_peptide), visit(6.0) | STUDIES),
        case("range alone", evidence(span), visit(6.0) | STUDIES),
    ]


def counts() -> list[Case]:
    """Patients beyond a threshold, without insulin, in remission, and below their own baseline."""
    below = entry("count", threshold=8.0, beyond="below")
    free = entry("count", endpoint="insulin", threshold=0.0, beyond="below")
    fall = evidence(
        entry("count", 3.0, beyond="below_baseline"), arms=(arm(months_since_diagnosis=(3.0, 9.0)),)
    )
    remission = evidence(entry("count", endpoint="partial_remission"))
    both = visit(6.0, 0, "HbA1c ") | visit(6.0, 1, "insulin ")
    return [
        case("count", evidence(below), visit(6.0) | STUDIES),
        case("count of partial remission", remission, both),
        Case("count without insulin", evidence(free), visit(6.0), LOW_DOSES),
        case("fall below the own baseline", fall, visit(6.0) | SHARE | change()),
    ]


def changes() -> list[Case]:
    """Changes, slopes and percentages of the same patients at months 3 and 6."""
    numbers = {
        "change with a standard error": entry("change", SPAN, se=0.3),
        "change with an SD": entry("change", SPAN, sd=1.0),
        "elicited change": entry("change", SPAN, np.nan, elicited=Normal(0.0, 0.2)),
        "slope": entry("slope", SPAN, endpoint="c_peptide", se=0.01),
        "percent change": entry("percent_change", SPAN, endpoint="insulin"),
    }
    ranked = change() | SHARE | {"slopes between studies": of("slope_sd", 0)}
    return [case(name, evidence(number), ranked) for name, number in numbers.items()]


def spreads() -> list[Case]:
    """SDs and correlations without a mean."""
    decay = {"decay": of("decay", 0)}
    residual = evidence(entry("residual_sd", SPAN))
    return [
        case("SD alone", evidence(entry("sd")), visit(6.0)),
        case("SD given baseline", residual, visit(6.0) | SHARE),
        case("correlation of visits", evidence(entry("correlation", SPAN)), SHARE | decay),
    ]


def weights() -> list[Case]:
    """Doses a day over an assumed weight, at two visits."""
    doses = (entry("median", month, endpoint="insulin", by_weight=True) for month in SPAN)
    weighed = evidence(*doses, arms=(arm(weight_kg=Normal(35.0, 10.0)),))
    return [case("doses over an assumed weight", weighed, visit(3.0) | visit(6.0) | change())]
