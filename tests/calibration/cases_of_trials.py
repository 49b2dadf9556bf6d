"""Reports of several endpoints, of treatments and of events; and GXIPC1's whole abstract."""

from dataclasses import replace
from pathlib import Path

from calibration.cases import (
    REALISTIC,
    case,
    changes,
    counts,
    means,
    medians,
    of,
    quantiles,
    spreads,
    visit,
    weights,
)
from calibration.cases_of_arms import ages, entries, mean_entry
from calibration.cases_of_care import care
from calibration.cases_of_readings import ratios, readings
from calibration.cases_of_studies import averages, differing_studies, remission_beside_means
from calibration.simulated import Case, Quantity
from support.reports import arm, entry, evidence

from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    ClassEffect,
    EffectAssumption,
    ReportedNumber,
)
from phase2sim.prior.models.unknowns.evidence_arrays import cells
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS

ROOT = Path(__file__).parents[2]
RARE = replace(EVENT_PRIORS, log_rate=(-2.3, 0.7))  # ten patients hardly ever have 250 events
ONSET = {"half_time_months": 1.5}
EFFECT = EffectAssumption("hba1c", 6.0, "onset", ONSET, 0.5, 0.3, "made up")
CLASS = ClassEffect("hba1c", 6.0, "onset", ONSET, 0.5, 0.2, "made up")
RATES: dict[str, Quantity] = {
    "rate, untreated": of("event_rate", 0, 0),
    "rate, treated": of("event_rate", 0, 1),
    "dispersion": of("event_dispersion", 0),
}


def of_two_endpoints() -> list[Case]:
    """Two medians of the same patients, and their correlation."""
    both = evidence(
        entry("median"),
        entry("median", endpoint="c_peptide"),
        entry("correlation", with_endpoint="c_peptide"),
    )
    ranked = visit(6.0) | visit(6.0, 1, "C-peptide ") | {"rho": of("endpoint_correlation", 0)}
    return [case("correlation of endpoints", both, ranked)]


def of_events() -> list[Case]:
    """Events of an arm whose mean is reported too."""

    def counted(statistic: str, value: float = 1.0, se: float | None = None) -> ReportedNumber:
        return entry(statistic, (0.0, 6.0), value, endpoint="adverse_events", se=se)

    numbers = {
        "events": [counted("events")],
        "patients with an event": [counted("count")],
        "events and patients with one": [counted("events"), counted("count")],
        "rate of events": [counted("rate", 0.1, 0.03)],
    }
    return [
        Case(name, evidence(entry("mean"), *of_arm), RATES, REALISTIC, RARE)
        for name, of_arm in numbers.items()
    ]


def of_treatments() -> list[Case]:
    """A single arm, and randomised arms of a class."""
    single = evidence(
        entry("mean", 3.0, sd=1.0),
        entry("mean", 6.0),
        arms=(arm(design=SINGLE_ARM, treated=True),),
        effects={"hba1c": EFFECT},
    )
    two = (arm(design=RANDOMISED), arm("cells", design=RANDOMISED, treated=True))
    between = entry("difference", arm="cells", versus="control", se=0.3)
    pair = (entry("median"), entry("median", arm="cells"))
    effects = {"effect": of("effect", 0), "bias": of("bias", 0)}
    classes = {"class mean": of("class_mean", 0), "class SD": of("class_sd", 0)}
    of_class = {"hba1c": CLASS}
    return [
        case("single arm", single, visit(6.0) | effects),
        case("randomised arms", evidence(*pair, arms=two, classes=of_class), visit(6.0) | classes),
        case("difference of arms", evidence(between, arms=two, classes=of_class), classes),
    ]


def of_gxipc1() -> list[Case]:
    """Everything that GXIPC1's abstract reports, with its window, weight and assumptions."""
    shipped = load_evidence([ROOT / "priors" / "gxipc1.toml"])
    ranked: dict[str, Quantity] = {"mean entry": mean_entry}
    for k, name in enumerate(cells(shipped).endpoints):
        ranked |= {f"{name} effect": of("effect", k), f"{name} bias": of("bias", k)}
        ranked |= visit(6.0, k, f"{name} ")
    ranked |= {name: RATES[name] for name in ("rate, untreated", "rate, treated")}
    return [Case("all of GXIPC1's abstract", shipped, ranked, REALISTIC, RARE)]


GROUPS = (
    of_gxipc1,  # first: it takes the longest
    means,
    medians,
    quantiles,
    counts,
    changes,
    spreads,
    weights,
    averages,
    differing_studies,
    remission_beside_means,
    ages,
    entries,
    ratios,
    readings,
    of_two_endpoints,
    of_events,
    of_treatments,
    care,
)
CASES: dict[str, Case] = {one.name: one for group in GROUPS for one in group()}
