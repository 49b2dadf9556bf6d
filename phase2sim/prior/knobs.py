"""Elicited inputs moved one at a time: halved, doubled, at 0 or 1, or shifted by one SD."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.evidence.elicited import ROBUST_WEIGHT, care_key, normal_text
from phase2sim.evidence.load import digest_of
from phase2sim.evidence.reported import (
    ClassEffect,
    EffectAssumption,
    Evidence,
    Normal,
    ReportedNumber,
    StudyArm,
)

SHARED_BY_ALL = "shared, of all endpoints"
_FACTORS = {"halved": 0.5, "doubled": 2.0}
_ENDS = {"at 0": 0.0, "at 1": 1.0}


@dataclass(frozen=True, slots=True)
class Move:
    """One elicited input with another value, all else as stated."""

    knob: str  # its key, as in ``ElicitedInput``
    change: str  # "halved", "doubled", "at 0", "at 1", "SD halved", "mean + 1 SD", ...
    value: str  # what it is moved to
    evidence: Evidence  # with the other value; as given if only the weight moves
    robust_weight: float
    in_likelihood: bool = False  # it changes how reported numbers are read, not only the prior

    @property
    def title(self) -> str:
        """Key and new value, on one line."""
        return f"{self.knob} {self.change}: {self.value}"


def moves_of(evidence: Evidence, robust_weight: float) -> tuple[Move, ...]:
    """Every move of every elicited input of a prior: evidence and robust weight."""
    as_given = Move(ROBUST_WEIGHT, "", "", evidence, robust_weight)
    return (
        *_weight_moves(as_given),
        *_shared_moves(as_given),
        *(move for effect in evidence.effects.values() for move in _effect_moves(as_given, effect)),
        *(move for effect in evidence.classes.values() for move in _class_moves(as_given, effect)),
        *_care_moves(as_given),
        *_number_moves(as_given),
        *_kilogram_moves(as_given),
    )


def _weight_moves(given: Move) -> Iterator[Move]:
    for change, weight in _ENDS.items():
        if weight != given.robust_weight:
            yield replace(given, change=change, value=f"{weight:g}", robust_weight=weight)


def _shared_moves(given: Move) -> Iterator[Move]:
    """One common share for all endpoints: of one endpoint alone nothing is shared."""
    effects = given.evidence.effects
    if len(effects) < 2:  # noqa: PLR2004 - two effects share
        return
    for change, share in _ENDS.items():
        if any(effect.shared != share for effect in effects.values()):
            moved = {name: replace(effect, shared=share) for name, effect in effects.items()}
            evidence = _with_digest(replace(given.evidence, effects=moved))
            yield replace(
                given, knob=SHARED_BY_ALL, change=change, value=f"{share:g}", evidence=evidence
            )


def _effect_moves(given: Move, effect: EffectAssumption) -> Iterator[Move]:
    for key in ("sceptical_sd", "bias_sd"):
        for change, factor in _FACTORS.items():
            value = factor * getattr(effect, key)
            yield _of_effect(given, effect, (key, change, _with_unit(effect, value)), {key: value})
    if effect.prior is not None:
        for change, normal in _normals(effect.prior):
            text = _unit_after(effect, normal_text(normal))
            yield _of_effect(given, effect, ("prior", change, text), {"prior": normal})
    yield from _shape_moves(given, effect)


def _class_moves(given: Move, effect: ClassEffect) -> Iterator[Move]:
    for key in ("sceptical_sd", "between_trials_sd"):
        for change, factor in _FACTORS.items():
            value = factor * getattr(effect, key)
            yield _of_effect(given, effect, (key, change, _with_unit(effect, value)), {key: value})
    yield from _shape_moves(given, effect)


def _shape_moves(given: Move, effect: EffectAssumption | ClassEffect) -> Iterator[Move]:
    """Halved and doubled options of the shape, where the effect then still has its size."""
    for key, option in effect.shape_options.items():
        for change, factor in _FACTORS.items():
            options = {**effect.shape_options, key: factor * option}
            if _has_size(effect, options):
                value = f"{factor * option:g}"
                move = _of_effect(given, effect, (key, change, value), {"shape_options": options})
                yield replace(move, in_likelihood=True)


def _has_size(effect: EffectAssumption | ClassEffect, options: Mapping[str, float]) -> bool:
    try:
        shape = SHAPES[effect.shape](**dict(options))
    except BadValue:
        return False
    return bool(shape.at(np.array([effect.month]))[0] > 0)


def _of_effect(
    given: Move,
    effect: EffectAssumption | ClassEffect,
    knob: tuple[str, str, str],  # key, change, value
    fields: Mapping[str, object],
) -> Move:
    key, change, value = knob
    moved = replace(effect, **fields)  # type: ignore[arg-type]  # by field name
    evidence = given.evidence
    match moved:
        case EffectAssumption():
            evidence = replace(evidence, effects={**evidence.effects, effect.endpoint: moved})
        case ClassEffect():
            evidence = replace(evidence, classes={**evidence.classes, effect.endpoint: moved})
    path = f"{effect.kind}.{effect.endpoint}.{key}"
    return replace(given, knob=path, change=change, value=value, evidence=_with_digest(evidence))


def _care_moves(given: Move) -> Iterator[Move]:
    """What care does: its mean halved, doubled and at 0, and its SD halved and doubled."""
    for name, covariate in given.evidence.care.items():
        for number, effect in enumerate(covariate.effects):
            mean, sd = effect.prior.mean, effect.prior.sd
            moved = {f"mean {change}": Normal(f * mean, sd) for change, f in _FACTORS.items()}
            moved["mean at 0"] = Normal(0.0, sd)
            moved |= {f"SD {change}": Normal(mean, f * sd) for change, f in _FACTORS.items()}
            for change, normal in moved.items():
                if normal == effect.prior:
                    continue  # of a mean of 0
                effects = list(covariate.effects)
                effects[number] = replace(effect, prior=normal)
                care = {**given.evidence.care, name: replace(covariate, effects=tuple(effects))}
                yield replace(
                    given, knob=care_key(name, effect.endpoint), change=change,
                    value=f"{normal_text(normal)} {ENDPOINTS[effect.endpoint].model_unit}",
                    evidence=_with_digest(replace(given.evidence, care=care)),
                )  # fmt: skip


def _number_moves(given: Move) -> Iterator[Move]:
    for entry in given.evidence.reported:
        if entry.elicited is None or entry.unused:
            continue
        for change, normal in _normals(entry.elicited):
            if entry.statistic == "correlation" and not abs(normal.mean) < 1:
                continue
            evidence = _with_entries(given.evidence, {entry: replace(entry, elicited=normal)})
            yield replace(
                given, knob=_number_title(entry), change=change, value=normal_text(normal),
                evidence=evidence, in_likelihood=True,
            )  # fmt: skip


def _number_title(entry: ReportedNumber) -> str:
    return f"{PurePosixPath(entry.file).stem} entry {entry.number}, elicited {entry.statistic}"


def _kilogram_moves(given: Move) -> Iterator[Move]:
    evidence = given.evidence
    for arm in evidence.arms:
        read = [entry for entry in evidence.reported if _reads_weight(entry, arm)]
        if arm.weight_kg is None or not read:
            continue
        for change, normal in _normals(arm.weight_kg):
            if normal.mean <= 0:
                continue
            times = arm.weight_kg.mean / normal.mean
            moved = _with_entries(evidence, {e: _times(e, times) for e in read})
            arms = tuple(
                replace(other, weight_kg=normal) if other is arm else other for other in moved.arms
            )
            yield replace(
                given, knob=f"{arm.study}: typical weight", change=change,
                value=f"{normal_text(normal)} kg", in_likelihood=True,
                evidence=_with_digest(replace(moved, arms=arms)),
            )  # fmt: skip


def _reads_weight(entry: ReportedNumber, arm: StudyArm) -> bool:
    is_of_arm = (entry.study, entry.arm) == (arm.study, arm.arm)
    return entry.by_weight and not entry.unused and is_of_arm


def _times(entry: ReportedNumber, factor: float) -> ReportedNumber:
    """Reported dose per kg, given another weight of a typical patient."""

    def scaled(number: float | None) -> float | None:
        return None if number is None else number * factor

    bounds = None
    if entry.bounds is not None:
        bounds = (entry.bounds[0] * factor, entry.bounds[1] * factor)
    is_count = entry.statistic == "count"
    return replace(
        entry,
        value=entry.value if is_count else entry.value * factor,
        sd=scaled(entry.sd),
        se=scaled(entry.se),
        threshold=scaled(entry.threshold),
        bounds=bounds,
    )


def _normals(normal: Normal) -> Iterator[tuple[str, Normal]]:
    for change, factor in _FACTORS.items():
        yield f"SD {change}", Normal(normal.mean, factor * normal.sd)
    yield "mean - 1 SD", Normal(round(normal.mean - normal.sd, 12), normal.sd)
    yield "mean + 1 SD", Normal(round(normal.mean + normal.sd, 12), normal.sd)


def _with_entries(evidence: Evidence, moved: Mapping[ReportedNumber, ReportedNumber]) -> Evidence:
    by_id = {id(entry): other for entry, other in moved.items()}
    reported = tuple(by_id.get(id(entry), entry) for entry in evidence.reported)
    return _with_digest(replace(evidence, reported=reported))


def _with_digest(evidence: Evidence) -> Evidence:
    return replace(evidence, digest=digest_of(evidence))


def _with_unit(effect: EffectAssumption | ClassEffect, value: float) -> str:
    return _unit_after(effect, f"{value:g}")


def _unit_after(effect: EffectAssumption | ClassEffect, text: str) -> str:
    return f"{text} {ENDPOINTS[effect.endpoint].model_unit}"
