"""What evidence files assume about effects: of one treatment, and of a class of treatments."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadValue
from phase2sim.core.io.toml_files import nearest
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    ClassEffect,
    EffectAssumption,
    Normal,
)
from phase2sim.evidence.tables import CourseTable, EvidenceFile, NormalTable, refuse
from phase2sim.evidence.units import MODELLED_ENDPOINTS


def effects_of(files: Sequence[EvidenceFile]) -> dict[str, EffectAssumption]:
    """Effect assumptions by endpoint; a file of effects alone replaces those of the others.

    Raises ``BadEvidence`` for one that is impossible, or stated differently in two files.
    """
    stated: dict[str, EffectAssumption] = {}
    replacing: dict[str, EffectAssumption] = {}
    for file in files:
        into = replacing if file.is_effects_only else stated
        for name, table in file.effects.items():
            _check_course(file, f"effect.{name}", table)
            effect = EffectAssumption(
                endpoint=name,
                month=table.month,
                shape=table.shape,
                shape_options=_shape_options(file, f"effect.{name}", table),
                sceptical_sd=_size(file, f"effect.{name}", table, "sceptical_sd"),
                bias_sd=_size(file, f"effect.{name}", table, "bias_sd"),
                why=table.why,
                prior=_prior(file, name, table.prior),
                shared=table.shared,
            )
            _add(into, effect, file, f"effect.{name}")
    designs = {table.design for file in files for table in file.studies}
    for file in files:
        if file.is_effects_only and not designs & {SINGLE_ARM, RANDOMISED}:
            raise refuse(
                file.path,
                "holds effects alone, and no evidence beside it has a treated arm."
                " Name it together with a single-arm or randomised file.",
            )
    return stated | replacing


def classes_of(files: Iterable[EvidenceFile]) -> dict[str, ClassEffect]:
    """Class effect assumptions by endpoint; raises ``BadEvidence`` as ``effects_of`` does."""
    stated: dict[str, ClassEffect] = {}
    for file in files:
        for name, table in file.classes.items():
            place = f"class_effect.{name}"
            _check_course(file, place, table)
            effect = ClassEffect(
                endpoint=name,
                month=table.month,
                shape=table.shape,
                shape_options=_shape_options(file, place, table),
                sceptical_sd=_size(file, place, table, "sceptical_sd"),
                between_trials_sd=_size(file, place, table, "between_trials_sd"),
                why=table.why,
            )
            _add(stated, effect, file, place)
    return stated


def check_assumptions(file: EvidenceFile, treated: Mapping[str, set[str]]) -> None:
    """Check that the file states what its treated arms need, and nothing that it cannot use.

    ``treated`` holds, by design, the endpoints that are read from treated arms.
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


def _add[T: (EffectAssumption, ClassEffect)](
    stated: dict[str, T], effect: T, file: EvidenceFile, place: str
) -> None:
    if stated.setdefault(effect.endpoint, effect) != effect:
        raise refuse(
            file.path, f"{place} differs from that of another file. State it the same in both."
        )


def _check_course(file: EvidenceFile, place: str, table: CourseTable) -> None:
    name = place.split(".", 1)[1]
    if name not in MODELLED_ENDPOINTS:
        raise refuse(file.path, f"{place} is not a modelled endpoint. {nearest(name, MODELLED_ENDPOINTS)}")
    if table.shape not in SHAPES:
        raise refuse(file.path, f"{place}.shape is {table.shape!r}. {nearest(table.shape, SHAPES)}")


def _size(file: EvidenceFile, place: str, table: CourseTable, key: str) -> float:
    value: float = getattr(table, key)
    largest = ENDPOINTS[place.split(".", 1)[1]].largest_effect
    if value > largest:
        raise refuse(
            file.path,
            f"{place}.{key} is {value:g}; on the model scale no effect exceeds {largest:g}."
            " Check the value and its unit.",
        )
    return value


def _prior(file: EvidenceFile, name: str, table: NormalTable | None) -> Normal | None:
    if table is None:
        return None
    mean, sd = table.normal
    largest = ENDPOINTS[name].largest_effect
    key = f"effect.{name}.prior.normal"
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


def _shape_options(file: EvidenceFile, place: str, table: CourseTable) -> dict[str, float]:
    options = dict(table.__pydantic_extra__)
    kind = SHAPES[table.shape]
    known = list(getattr(kind, "__dataclass_fields__", {}))
    for key in options:
        if key not in known:
            keys = [*type(table).model_fields, *known]
            raise refuse(file.path, f"{place}.{key} is not a known key. {nearest(key, keys)}")
    try:
        shape = kind(**options)
    except BadValue as error:
        message = f"{error.under(place)}. Correct this value."
        raise refuse(file.path, message) from None
    if not shape.at(np.array([table.month]))[0] > 0:
        raise refuse(
            file.path,
            f"{place}.month is {table.month:g}, when {table.shape} has no effect yet."
            " Give a later month.",
        )
    return options
