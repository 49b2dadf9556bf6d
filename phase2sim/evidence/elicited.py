"""Elicited inputs of evidence: every number that is a judgement, with its value and reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.ages import (
    DEFAULT_AGE,
    DEFAULT_AGE_WHY,
    age_distribution,
    arms_of_unknown_age,
)
from phase2sim.evidence.care import guessed_shares
from phase2sim.evidence.reported import (
    ClassEffect,
    EffectAssumption,
    Evidence,
    Normal,
    ReportedNumber,
)

ROBUST_WEIGHT = "truth.prior.robust_weight"
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class ElicitedInput:
    """One number that is a judgement and not published."""

    key: str  # where it stands: ``effect.hba1c.sceptical_sd``, ``priors/x.toml, entry 7``
    value: str  # with its unit
    reason: str

    def __str__(self) -> str:
        """As one line."""
        return f"{self.key} = {self.value}: {self.reason}"


def elicited_inputs(evidence: Evidence) -> tuple[ElicitedInput, ...]:
    """Every elicited input that a fit of the evidence, or a prior made of it, reads."""
    return (
        *_numbers(evidence),
        *_weights(evidence),
        *_ages(evidence),
        *_care(evidence),
        *_assumptions(evidence),
    )


def robust_weight_input(weight: float, reason: str | None) -> ElicitedInput:
    """Weight of the fitted part of a scenario's prior."""
    return ElicitedInput(ROBUST_WEIGHT, f"{weight:g}", reason or NO_REASON)


def _numbers(evidence: Evidence) -> Iterator[ElicitedInput]:
    for entry in evidence.reported:
        if entry.elicited and not entry.unused:
            yield ElicitedInput(entry.where, _entry_text(entry), entry.why)


def _entry_text(entry: ReportedNumber) -> str:
    months = " to ".join(f"{month:g}" for month in entry.months)
    when = f"month{'s' * (len(entry.months) > 1)} {months}"
    return f"{ENDPOINTS[entry.endpoint].label}, {when}: {entry.as_reported}"


def _weights(evidence: Evidence) -> Iterator[ElicitedInput]:
    weighed = {(e.study, e.arm) for e in evidence.reported if e.by_weight and not e.unused}
    for arm in evidence.arms:
        if arm.weight_kg and (arm.study, arm.arm) in weighed:
            value = f"{normal_text(arm.weight_kg)} kg"
            yield ElicitedInput(f"{arm.study}: typical weight", value, arm.weight_why)


def _ages(evidence: Evidence) -> Iterator[ElicitedInput]:
    """Mean ages that no source prints: one line for each treated arm, one for all others."""
    unknown = tuple(arms_of_unknown_age(evidence))
    elicited = [arm for arm in unknown if arm.age_years is not None]
    for arm in elicited:
        if arm.treated:
            value = f"{normal_text(age_distribution(arm))} years"
            yield ElicitedInput(f"{arm.study}: mean age", value, arm.age_why)
    untreated = [arm for arm in elicited if not arm.treated]
    if untreated:
        normals = sorted((age_distribution(arm) for arm in untreated), key=lambda age: age.mean)
        ends = [normal_text(normals[0]), normal_text(normals[-1])]
        yield ElicitedInput(
            f"mean ages of {len(untreated)} untreated arms",
            f"{' to '.join(dict.fromkeys(ends))} years",
            untreated[0].age_why
            if len(untreated) == 1
            else "from whom they enrolled, as their sources print no mean; a reason by each arm",
        )
    if left := len(unknown) - len(elicited):
        yield ElicitedInput(
            f"mean ages of {left} other arm{'s' * (left > 1)}" if elicited else "mean ages",
            f"{normal_text(DEFAULT_AGE)} years",
            DEFAULT_AGE_WHY,
        )


def _care(evidence: Evidence) -> Iterator[ElicitedInput]:
    for name, covariate in evidence.care.items():
        for effect in covariate.effects:
            unit = ENDPOINTS[effect.endpoint].model_unit
            value = f"{normal_text(effect.prior)} {unit}"
            key = care_key(name, effect.endpoint)
            yield ElicitedInput(key, value, " ".join(covariate.why.split()))
    for arm, covariate, share in guessed_shares(evidence):
        where = f"{arm.study}, {arm.arm}: {covariate.name}"
        reason = arm.care_why or f"care.{covariate.name}.if_not_stated"
        yield ElicitedInput(where, f"beta, mean {share.mean:g} and SD {share.sd:g}", reason)


def care_key(covariate: str, endpoint: str) -> str:
    """Key of what a covariate of care does to an endpoint."""
    return f"care.{covariate}.effect.{endpoint}"


def care_inputs(
    evidence: Evidence, care: Mapping[str, float], reason: str | None
) -> Iterator[ElicitedInput]:
    """Values of the covariates of care in a scenario; of those left out, what is assumed."""
    for name in evidence.care:
        key = f"population.care.{name}"
        if name in care:
            yield ElicitedInput(key, f"{care[name]:g}", reason or NO_REASON)
        else:
            yield ElicitedInput(key, "0", "left out of the scenario, so as if nobody had it")


def _assumptions(evidence: Evidence) -> Iterator[ElicitedInput]:
    for effect in evidence.effects.values():
        keys = ("prior", "sceptical_sd", "bias_sd", "shared")
        yield from _knobs(effect, [key for key in keys if getattr(effect, key) is not None])
    for class_effect in evidence.classes.values():
        yield from _knobs(class_effect, ["sceptical_sd", "between_trials_sd"])


def _knobs(assumed: EffectAssumption | ClassEffect, keys: list[str]) -> Iterator[ElicitedInput]:
    unit = ENDPOINTS[assumed.endpoint].model_unit
    path = f"{assumed.kind}.{assumed.endpoint}"
    for key in keys:
        number = getattr(assumed, key)
        if key == "shared" and not number and key not in assumed.reasons:
            continue  # left out of the file: nothing is shared
        value = normal_text(number) if key == "prior" else f"{number:g}"
        yield ElicitedInput(
            f"{path}.{key}",
            value if key == "shared" else f"{value} {unit}",
            assumed.reasons.get(key, NO_REASON),
        )
    for key, option in assumed.shape_options.items():
        yield ElicitedInput(f"{path}.{key}", f"{option:g}", assumed.reasons.get(key, NO_REASON))


def normal_text(normal: Normal) -> str:
    """``N(0, 0.5)``."""
    return f"N({normal.mean:g}, {normal.sd:g})"
