"""Assumptions of evidence files about the effect of a treatment and of its class."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import TypedDict

import numpy as np

from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.io.validation import join_key, nearest
from phase2sim.evidence.effect_tables import CourseTable
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    ClassEffect,
    EffectAssumption,
    Normal,
)
from phase2sim.evidence.table_types import NormalTable
from phase2sim.evidence.tables import EvidenceFile, refuse

# Numbers of an effect that are assumed, beside the shape's own; each needs a reason.
KNOBS = ("prior", "sceptical_sd", "between_trials_sd", "bias_sd", "shared")


def effects_of(files: Sequence[EvidenceFile]) -> dict[str, EffectAssumption]:
    """Effect assumptions by endpoint; a file that holds only effects replaces those of other files.

    Raises ``BadEvidence`` for an impossible assumption, or one that two files state differently.
    """
    assumptions: dict[str, EffectAssumption] = {}
    replacing: dict[str, EffectAssumption] = {}
    for file in files:
        target = replacing if file.is_effects_only else assumptions
        for name, table in file.effects.items():
            key_path = join_key("effect", name)
            _check_course(file, key_path, table)
            effect = EffectAssumption(
                endpoint=name,
                month=table.month,
                shape=table.shape,
                shape_options=_shape_options(file, key_path, table),
                sceptical_sd=_size(file, key_path, table, "sceptical_sd"),
                bias_sd=_size(file, key_path, table, "bias_sd"),
                prior=_prior(file, name, table.prior),
                shared=table.shared,
                **_reasons(file, key_path, table),
            )
            _add_assumption(target, effect, file, key_path)
    designs = {table.design for file in files for table in file.studies}
    for file in files:
        if file.is_effects_only and not designs & {SINGLE_ARM, RANDOMISED}:
            raise refuse(
                file.path,
                "holds effects alone, and no evidence beside it has a treated arm."
                " Name it together with a single-arm or randomised file.",
            )
    return assumptions | replacing


def classes_of(files: Iterable[EvidenceFile]) -> dict[str, ClassEffect]:
    """Class effect assumptions by endpoint; raises ``BadEvidence`` as ``effects_of`` does."""
    assumptions: dict[str, ClassEffect] = {}
    for file in files:
        for name, table in file.classes.items():
            key_path = join_key("class_effect", name)
            _check_course(file, key_path, table)
            effect = ClassEffect(
                endpoint=name,
                month=table.month,
                shape=table.shape,
                shape_options=_shape_options(file, key_path, table),
                sceptical_sd=_size(file, key_path, table, "sceptical_sd"),
                between_trials_sd=_size(file, key_path, table, "between_trials_sd"),
                **_reasons(file, key_path, table),
            )
            _add_assumption(assumptions, effect, file, key_path)
    return assumptions


def check_assumptions(file: EvidenceFile, treated: Mapping[str, set[str]]) -> None:
    """Check that the file states every effect that its treated arms need, and no other.

    ``treated`` maps each design to the endpoints that a fit reads from treated arms.
    """
    if file.is_effects_only:
        return
    for key, design, tables, needs in (
        ("effect", SINGLE_ARM, file.effects, "sceptical_sd, bias_sd"),
        ("class_effect", RANDOMISED, file.classes, "sceptical_sd, between_trials_sd"),
    ):
        if tables and all(table.design != design for table in file.studies):
            raise refuse(
                file.path,
                f"{key} is for a treated arm; no study here is {design}. Remove it.",
            )
        for name in sorted(treated.get(design, set()) - set(tables)):
            raise refuse(
                file.path,
                f"{key}.{name} is missing. {_WHY[design]}, so"
                f" write [{key}.{name}] with month, shape, {needs} and why.",
            )


_WHY = {
    SINGLE_ARM: "A single arm cannot tell effect from natural history",
    RANDOMISED: "Trials of one class are read as draws around its mean effect",
}


def _add_assumption[T: (EffectAssumption, ClassEffect)](
    assumptions: dict[str, T], effect: T, file: EvidenceFile, key_path: str
) -> None:
    if assumptions.setdefault(effect.endpoint, effect) != effect:
        raise refuse(
            file.path, f"{key_path} differs from that of another file. State it the same in both."
        )


class _Reasons(TypedDict):
    why: str
    reasons: dict[str, str]


def _reasons(file: EvidenceFile, key_path: str, table: CourseTable) -> _Reasons:
    """Reason for each number that the table gives; one text is the reason for all of them."""
    options = signature(SHAPES[table.shape]).parameters
    numbers = [*options, *(key for key in KNOBS if key in type(table).model_fields)]
    given = [key for key in numbers if key in table.model_fields_set | set(table.model_extra or {})]
    match table.why:
        case str(why):
            return {"why": why, "reasons": dict.fromkeys(given, why.removeprefix("elicited: "))}
        case reasons:
            pass
    for key in reasons:
        if key not in (*numbers, "month", "shape"):
            raise refuse(
                file.path,
                f"{join_key(f'{key_path}.why', key)} is a reason for no number of [{key_path}]."
                f" {nearest(key, given)}",
            )
    for key in given:
        if key not in reasons:
            raise refuse(
                file.path,
                f"{key_path}.why.{key} is missing: {key_path}.{key} is your assumption. Say why"
                " you believe it.",
            )
    return {"why": "; ".join(f"{key}: {reason}" for key, reason in reasons.items()),
            "reasons": dict(reasons)}  # fmt: skip


def _check_course(file: EvidenceFile, key_path: str, table: CourseTable) -> None:
    name = key_path.split(".", 1)[1]
    if name not in ENDPOINTS:
        raise refuse(
            file.path, f"{key_path} is not a modelled endpoint. {nearest(name, ENDPOINTS)}"
        )
    if table.shape not in SHAPES:
        raise refuse(
            file.path, f"{key_path}.shape is {table.shape!r}. {nearest(table.shape, SHAPES)}"
        )


def _size(file: EvidenceFile, key_path: str, table: CourseTable, key: str) -> float:
    value: float = getattr(table, key)
    largest = ENDPOINTS[key_path.split(".", 1)[1]].largest_effect
    if value > largest:
        raise refuse(
            file.path,
            f"{key_path}.{key} is {value:g}; on the model scale no effect exceeds {largest:g}."
            " Check the value and its unit.",
        )
    return value


def _prior(file: EvidenceFile, name: str, table: NormalTable | None) -> Normal | None:
    if table is None:
        return None
    mean, sd = table.normal
    largest = ENDPOINTS[name].largest_effect
    key = join_key("effect", name) + ".prior.normal"
    if not abs(mean) <= largest:
        raise refuse(
            file.path,
            f"{key}[1] is {mean:g}; on the model scale an effect lies between {-largest:g} and"
            f" {largest:g}. Correct it.",
        )
    if not 0 < sd <= largest:
        raise refuse(
            file.path,
            f"{key}[2] is {sd:g}; an SD must be above 0 and at most {largest:g}. Correct it.",
        )
    return Normal(mean, sd)


def _shape_options(file: EvidenceFile, key_path: str, table: CourseTable) -> dict[str, float]:
    options = dict(table.__pydantic_extra__)
    kind = SHAPES[table.shape]
    option_names = list(signature(kind).parameters)
    for key in options:
        if key not in option_names:
            keys = [*type(table).model_fields, *option_names]
            raise refuse(
                file.path, f"{join_key(key_path, key)} is not a known key. {nearest(key, keys)}"
            )
    try:
        shape = kind(**options)
    except BadValue as error:
        message = f"{error.under(key_path)}. Correct this value."
        raise refuse(file.path, message) from None
    if not shape.at(np.array([table.month]))[0] > 0:
        raise refuse(
            file.path,
            f"{key_path}.month is {table.month:g}, when {table.shape} has no effect yet."
            " Give a later month.",
        )
    return options
