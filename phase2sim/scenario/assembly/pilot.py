"""Many untreated patients: what rates and means are set on before a trial is simulated."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from phase2sim.core.contracts import AGE, Plan, Trials, Truth
from phase2sim.core.errors import BadScenario, message_at
from phase2sim.core.patient_parts import Missingness, Observer
from phase2sim.trial.engine import follow
from phase2sim.trial.patients.entrants import enrol, share_eligible
from phase2sim.trial.patients.recruitment import AllAtOnce
from phase2sim.trial.study import Study

PILOT_SEED = 20_250_101  # any fixed number: a rate must not move with the scenario's seed
_PATIENTS = 100_000
_IN_A_TRIAL = 100  # where sites differ, so that the pilot has many of them
_CANDIDATES = 20_000


def piloted(study: Study, patients: int) -> Study:
    """The study under the pilot's seed, with so many patients a trial who come at once."""

    def of(plan: Plan) -> Plan:
        return replace(plan, seed=PILOT_SEED, patients=patients)

    return replace(
        study,
        plan=of(study.plan),
        wide=None if study.wide is None else of(study.wide),
        population=replace(study.population, recruitment=AllAtOnce()),
    )


def set_rates(
    study: Study, untreated: Truth, dropout: Missingness, gaps: Missingness | None, path: Path
) -> Study:
    """The study with its missingness at the stated rates, and the means of effect modifiers.

    Rates hold for untreated patients, with all that happens to them.
    """
    pilot = _pilot(study, untreated)
    plan = study.plan
    observed = None if gaps is None else gaps.prepare(plan, pilot)
    try:
        leaving = dropout.prepare(plan, _with_gaps(study, pilot, observed))
    except ValueError as error:
        raise BadScenario(f"{path}: {message_at('missing.dropout', error)}.") from None
    means = _means(study, pilot)
    return replace(
        study,
        dropout=leaving,
        gaps=observed,
        plan=replace(plan, modifiers=means),
        wide=None if study.wide is None else replace(study.wide, modifiers=means),
    )


def eligible_share(study: Study, untreated: Truth) -> float:
    """Share of candidates who are eligible."""
    return share_eligible(piloted(study, _CANDIDATES).drawn, untreated)


def stratum_shares(study: Study, untreated: Truth) -> Mapping[str, tuple[float, ...]]:
    """Share of those who may enrol in each stratum, by what it is of; {} without strata."""
    plan = study.plan
    levels = {AGE: plan.age_strata, **plan.baseline_strata}
    if not any(levels.values()):
        return {}
    drawn = piloted(study, _CANDIDATES).drawn
    arrivals = AllAtOnce().arrive(PILOT_SEED, 0, (1, _CANDIDATES), plan.sites)
    factors = enrol(drawn, untreated, 0, arrivals).factors
    return {
        name: tuple(float((factors[name] == level).mean()) for level in range(len(cuts) + 1))
        for name, cuts in levels.items()
        if cuts
    }


def _pilot(study: Study, untreated: Truth) -> Callable[[], Trials]:
    """Untreated patients, drawn when they are first asked for."""
    each = _IN_A_TRIAL if any(study.plan.site_sd.values()) else _PATIENTS

    @cache
    def pilot() -> Trials:
        return follow(piloted(study, each), untreated, 0, _PATIENTS // each, all_in=0)

    return pilot


def _with_gaps(
    study: Study, pilot: Callable[[], Trials], gaps: Observer | None
) -> Callable[[], Trials]:
    if gaps is None:
        return pilot
    plan = piloted(study, study.plan.patients).plan

    @cache
    def with_gaps() -> Trials:
        trials = pilot()
        return replace(trials, seen=gaps.observe(trials, plan), has_gaps=True)

    return with_gaps


def _means(study: Study, pilot: Callable[[], Trials]) -> dict[str, float]:
    """Mean in the trial of each modifier of the effect: of those who may enrol."""
    means = {}
    for name in study.plan.modifiers:
        if name == AGE:
            means[name] = float(pilot().age_years.mean())
        else:
            means[name] = float(pilot().value[:, study.plan.endpoints.index(name), 0].mean())
    return means
