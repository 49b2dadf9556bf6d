"""Reports of ten patients, one for each likelihood and one in the shape of GXIPC1's abstract."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reports import arm, entry, evidence
from simulated import Case, Draws, Quantity

from phase2sim.evidence import load_evidence
from phase2sim.knowledge import RANDOMISED, SINGLE_ARM, ClassEffect, EffectAssumption, Normal
from phase2sim.models.settings import EVENT_PRIORS, PRIORS, EndpointPriors

type Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[2]
KNOTS = {0.0: 0, 3.0: 1, 6.0: 2, 12.0: 3, 24.0: 4, 36.0: 5}

# Plausible patients: with the shipped priors some truths are children with an HbA1c of 2 % or with
# half of the doses at 0, where no published summary is from.
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
RARE = replace(EVENT_PRIORS, log_rate=(-2.3, 0.7))  # ten patients rarely have 200 events


def of(variable: str, *index: int) -> Quantity:
    """One element of a variable."""
    return lambda draws, _: draws[variable][(slice(None), *index)]


def curve(variable: str, endpoint: int, month: float) -> Quantity:
    """A mean curve or SD at a knot."""
    return of(variable, endpoint, KNOTS[month])


def gap(position: int, expected: Quantity) -> Quantity:
    """Distance of a reported number from what a draw expects: depends on the data too.

    Modrak et al. 2023 (Bayesian Analysis): ranks of parameters alone cannot see a fit that ignores
    its data.
    """
    return lambda draws, values: np.abs(expected(draws, values) - values[position])


def study(endpoint: int = 0) -> dict[str, Quantity]:
    """How studies differ."""
    return {"between studies": of("level_sd", endpoint)}


def visit(month: float, endpoint: int = 0) -> dict[str, Quantity]:
    """Mean and SD at one visit."""
    return {
        f"mean, month {month:g}": curve("history", endpoint, month),
        f"SD, month {month:g}": curve("sd", endpoint, month),
    }


def one_visit(name: str, endpoint: str, *entries: object, position: int = 0) -> Case:
    """Case of one endpoint at month 6; the number at ``position`` is near its mean."""
    reported = evidence(*entries)  # type: ignore[arg-type]  # entries
    inverse = {"hba1c": lambda m: m, "c_peptide": np.expm1, "insulin": np.square, "glucose": np.exp}

    def expected(draws: Draws, values: Floats) -> Floats:
        return inverse[endpoint](curve("history", 0, 6.0)(draws, values))

    return Case(
        name,
        reported,
        visit(6.0) | study() | {"gap": gap(position, expected)},
        REALISTIC,
    )


def of_mean_and_sd() -> list[Case]:
    return [
        one_visit(f"mean, SD: {name}", name, entry("mean", endpoint=name, sd=1.0))
        for name in ("hba1c", "c_peptide", "insulin", "glucose")
    ]


def of_means_of_two_visits() -> Case:
    return Case(
        "means, SDs of two visits",
        evidence(entry("mean", 3.0, sd=1.0), entry("mean", 6.0, sd=1.0)),
        visit(3.0) | visit(6.0) | {"share": of("patient_share", 0)},
        REALISTIC,
    )


def of_medians() -> list[Case]:
    return [
        one_visit(f"median: {name}", name, entry("median", endpoint=name))
        for name in ("hba1c", "c_peptide")
    ] + [
        Case(
            "medians of two visits",
            evidence(entry("median", 3.0), entry("median", 6.0)),
            visit(6.0) | {"share": of("patient_share", 0), "change": change()},
            REALISTIC,
        ),
        one_visit(
            "median beside a count",
            "hba1c",
            entry("median", value=8.0),
            entry("count", threshold=7.5, beyond="below"),
        ),
    ]


def change(endpoint: int = 0) -> Quantity:
    """Change of the mean curve from month 3 to 6."""
    later, earlier = curve("history", endpoint, 6.0), curve("history", endpoint, 3.0)
    return lambda draws, values: later(draws, values) - earlier(draws, values)


def of_quantiles() -> list[Case]:
    return [
        one_visit(
            f"quartiles ({method}) beside a median",
            "hba1c",
            entry("median"),
            entry("quartiles", bounds=(7.0, 9.0), quantile_method=method),
        )
        for method in ("hazen", "weibull", "linear")
    ] + [
        one_visit(
            "range beside a median", "hba1c", entry("median"), entry("range", bounds=(6.0, 10.0))
        ),
        one_visit(
            "quartiles alone",
            "c_peptide",
            entry("quartiles", endpoint="c_peptide", bounds=(0.4, 0.8)),
        ),
        one_visit("range alone", "hba1c", entry("range", bounds=(6.0, 10.0))),
    ]


def of_counts() -> list[Case]:
    below = entry("count", threshold=8.0, beyond="below")
    enrolled = arm(months_since_diagnosis=(3.0, 9.0))
    return [
        Case("count", evidence(below), visit(6.0) | study(), REALISTIC),
        Case(
            "count without insulin",
            evidence(entry("count", endpoint="insulin", threshold=0.0, beyond="below")),
            visit(6.0),
            {"insulin": replace(REALISTIC["insulin"], first_mean=(0.4, 0.15))},
        ),
        Case(
            "fall below the own baseline",
            evidence(entry("count", 3.0, beyond="below_baseline"), arms=(enrolled,)),
            visit(6.0) | {"share": of("patient_share", 0), "change": change()},
            REALISTIC,
        ),
    ]


def of_changes() -> list[Case]:
    span = (3.0, 6.0)
    more = {"change": change(), "share": of("patient_share", 0), "slope": of("slope_sd", 0)}
    return [
        Case(
            "change with a standard error",
            evidence(entry("change", span, se=0.3)),
            more | visit(6.0),
            REALISTIC,
        ),
        Case(
            "change with an SD",
            evidence(entry("change", span, sd=1.0)),
            more | visit(6.0),
            REALISTIC,
        ),
        Case(
            "elicited change",
            evidence(entry("change", span, np.nan, elicited=Normal(0.0, 0.2))),
            more | visit(6.0),
            REALISTIC,
        ),
        Case(
            "slope",
            evidence(entry("slope", span, endpoint="c_peptide", se=0.01)),
            more | visit(6.0),
            REALISTIC,
        ),
        Case(
            "percent change",
            evidence(entry("percent_change", span, endpoint="insulin")),
            more | visit(6.0),
            REALISTIC,
        ),
    ]


def of_spreads() -> list[Case]:
    return [
        Case("SD alone", evidence(entry("sd")), visit(6.0), REALISTIC),
        Case(
            "correlation of visits",
            evidence(entry("correlation", (3.0, 6.0))),
            {"share": of("patient_share", 0), "decay": of("decay", 0)},
            REALISTIC,
        ),
        Case(
            "SD given baseline",
            evidence(entry("residual_sd", (3.0, 6.0))),
            visit(6.0) | {"share": of("patient_share", 0)},
            REALISTIC,
        ),
        Case(
            "correlation of endpoints",
            evidence(
                entry("median"),
                entry("median", endpoint="c_peptide"),
                entry("correlation", with_endpoint="c_peptide"),
            ),
            visit(6.0) | visit(6.0, 1) | {"correlation": of("endpoint_correlation", 0)},
            REALISTIC,
        ),
    ]


def of_standard_errors() -> list[Case]:
    return [
        one_visit("mean with a standard error", "hba1c", entry("mean", se=0.3)),
        Case(
            "geometric mean",
            evidence(entry("geometric_mean", endpoint="c_peptide", on_model_scale=True)),
            visit(6.0) | study(),
            REALISTIC,
        ),
    ]


def of_events() -> list[Case]:
    events = {"endpoint": "adverse_events"}
    rates = {f"rate {i}": of("event_rate", 0, i) for i in (0, 1)} | {
        "dispersion": of("event_dispersion", 0)
    }
    hba1c = entry("mean")
    return [
        Case(
            "events and patients with one",
            evidence(
                hba1c, entry("events", (0.0, 6.0), **events), entry("count", (0.0, 6.0), **events)
            ),
            rates,
            REALISTIC,
            RARE,
        ),
        Case(
            "rate of events",
            evidence(hba1c, entry("rate", (0.0, 6.0), 0.1, se=0.03, **events)),
            rates,
            REALISTIC,
            RARE,
        ),
    ]


EFFECT = EffectAssumption(
    "hba1c", 6.0, "onset", {"half_time_months": 1.5}, 0.5, 0.3, "made up", shared=0.0
)
CLASS = ClassEffect("hba1c", 6.0, "onset", {"half_time_months": 1.5}, 0.5, 0.2, "made up")


def of_effects() -> list[Case]:
    single = arm(design=SINGLE_ARM, treated=True, months_since_diagnosis=(0.0, 0.0))
    two = (arm(design=RANDOMISED), arm("cells", design=RANDOMISED, treated=True))
    effects = {"effect": of("effect", 0), "bias": of("bias", 0)}
    classes = {"class mean": of("class_mean", 0), "class SD": of("class_sd", 0)}
    return [
        Case(
            "single arm",
            evidence(
                entry("mean", 3.0, sd=1.0),
                entry("mean", 6.0),
                arms=(single,),
                effects={"hba1c": EFFECT},
            ),
            visit(6.0) | effects,
            REALISTIC,
        ),
        Case(
            "randomised arms",
            evidence(
                entry("median"), entry("median", arm="cells"), arms=two, classes={"hba1c": CLASS}
            ),
            visit(6.0) | classes,
            REALISTIC,
        ),
        Case(
            "difference between arms",
            evidence(
                entry("difference", arm="cells", versus="control", se=0.3),
                arms=two,
                classes={"hba1c": CLASS},
            ),
            classes,
            REALISTIC,
        ),
    ]


def of_weight() -> Case:
    return Case(
        "doses over an assumed weight",
        evidence(
            entry("median", 3.0, endpoint="insulin", by_weight=True),
            entry("median", 6.0, endpoint="insulin", by_weight=True),
            arms=(arm(weight_kg=Normal(35.0, 10.0)),),
        ),
        visit(3.0) | visit(6.0) | {"change": change()},
        REALISTIC,
    )


def gxipc1() -> Case:
    shipped = load_evidence([ROOT / "priors" / "gxipc1.toml"])
    names = ("hba1c", "c_peptide", "insulin", "glucose")
    quantities = {}
    for k, name in enumerate(names):
        quantities[f"{name}: effect"] = of("effect", k)
        quantities[f"{name}: bias"] = of("bias", k)
        quantities |= {f"{name}: {key}": value for key, value in visit(6.0, k).items()}
    quantities |= {f"rate of {i}": of("event_rate", 0, i) for i in (0, 1)}
    return Case("all of GXIPC1", shipped, quantities, REALISTIC, RARE)
