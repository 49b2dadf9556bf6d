"""Leave one study out: does the predictive of a new study cover what that study reported?

Run as a script it writes docs/methods/held-out.md; about a minute a study.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import LOCATIONS, REMISSION, Evidence, ReportedNumber
from phase2sim.prior.models.fit import sample_posterior
from phase2sim.prior.models.unknowns.evidence_arrays import is_cross_correlation
from phase2sim.prior.models.unknowns.settings import Sampler
from phase2sim.prior.replicates.parameters import parameters_of
from phase2sim.prior.replicates.replicate import Quantity, quantities, replicate

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "methods" / "held-out.md"
REPLICAS = 2000
LIMITS = (0.025, 0.975)
SHORT = Sampler(chains=4, tune=700, draws=500, kept_draws=REPLICAS)
WORDS = """# Studies left out

Each study of `priors/t1d-natural-history.toml` was left out in turn and the model fitted to the
others. The report of the study was then simulated {replicas:,} times, with its number of patients,
window, visits and age, and with a new level and slope. The table has all reported means, medians
and geometric means, because the control arm of a new trial is predicted by its means, and the
counts of patients in partial remission.

Of {numbers} reported numbers {inside} lie inside their 95 % predictive interval ({share:.0%}).
Numbers of one study share its level, so they are not independent: in {studies_inside} of {studies}
studies all numbers lie inside.

| study | number | reported | 95 % of a new study |
|---|---|---|---|
{rows}

Written by `uv run python tests/calibration/held_out.py` on {day}, evidence {digest}.
"""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One number of a study that was not fitted, beside what a new study would report."""

    quantity: Quantity
    lower: float
    upper: float

    @property
    def inside(self) -> bool:
        """Whether the interval covers it."""
        return self.lower <= self.quantity.value <= self.upper


def is_predicted(entry: ReportedNumber) -> bool:
    """True for locations and counts of partial remission."""
    return entry.statistic in LOCATIONS or (entry.endpoint, entry.statistic) == (REMISSION, "count")


def studies_of(evidence: Evidence) -> list[str]:
    """Studies with a number that is predicted, where others tell of its endpoint too."""
    read = [e for e in evidence.reported if not e.unused and is_predicted(e)]
    by_endpoint = {(e.study, name) for e in read for name in e.measured}
    shared = {
        study
        for study, endpoint in by_endpoint
        if sum(other == endpoint for _, other in by_endpoint) > 1
    }
    return sorted(shared)


def without(evidence: Evidence, study: str) -> Evidence:
    """The same evidence with a study's numbers unread; correlations of endpoints stay."""
    reported = tuple(
        replace(e, unused="held out")
        if e.study == study and not is_cross_correlation(e) and not e.unused
        else e
        for e in evidence.reported
    )
    return replace(evidence, reported=reported)


def held_out(evidence: Evidence, study: str) -> Iterator[HeldOut]:
    """Fit without the study and simulate its report."""
    prior = sample_posterior(without(evidence, study), 1, lambda _line: None, SHORT)
    own = tuple(
        e
        for e in evidence.reported
        if e.study == study and is_predicted(e) and set(e.measured) <= set(prior.endpoints)
    )
    report = replace(evidence, reported=own)
    rng = np.random.default_rng(2)
    simulated = np.array(
        [replicate(report, parameters_of(prior, draw), rng) for draw in range(len(prior.history))]
    )
    lower, upper = np.quantile(simulated, LIMITS, axis=0)
    for i, quantity in enumerate(quantities(report)):
        if quantity.what in {*LOCATIONS, "count"}:
            yield HeldOut(quantity, float(lower[i]), float(upper[i]))


def _row(one: HeldOut) -> str:
    entry = one.quantity.entry
    name, unit = "partial remission", "patients"
    if entry.endpoint in ENDPOINTS:
        endpoint = ENDPOINTS[entry.endpoint]
        name, unit = endpoint.label, endpoint.model_unit if entry.on_model_scale else entry.unit
    months = " to ".join(f"{month:g}" for month in entry.months)
    clock = " from diagnosis" if entry.clock == "diagnosis" else ""
    label = f"{name}, month {months}{clock}, {one.quantity.what}"
    mark = "" if one.inside else " (outside)"
    value = f"{one.quantity.value:.3g} {unit}"
    span = f"{one.lower:.3g} to {one.upper:.3g}{mark}"
    return f"| {entry.study}, {entry.arm} (n = {entry.n}) | {label} | {value} | {span} |"


def main() -> None:
    """Write the page."""
    evidence = load_evidence([ROOT / "priors" / "t1d-natural-history.toml"])
    found: dict[str, list[HeldOut]] = {}
    for study in studies_of(evidence):
        found[study] = list(held_out(evidence, study))
        inside = sum(one.inside for one in found[study])
        sys.stderr.write(f"{study}: {inside} of {len(found[study])} inside\n")
    every = [one for numbers in found.values() for one in numbers]
    inside = sum(one.inside for one in every)
    page = WORDS.format(
        replicas=REPLICAS,
        numbers=len(every),
        inside=inside,
        share=inside / len(every),
        studies=len(found),
        studies_inside=sum(all(one.inside for one in numbers) for numbers in found.values()),
        rows="\n".join(_row(one) for one in every),
        day=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        digest=evidence.digest[:12],
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
