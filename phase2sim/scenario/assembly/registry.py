"""A scenario's names become parts: one table a kind of part, one message if a name does not fit."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from phase2sim.analyses import ANALYSES
from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, RESPONSES
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.validation import Table, join_key, nearest, validate
from phase2sim.decisions import DECISIONS
from phase2sim.theory.group_sequential.efficacy import EFFICACIES
from phase2sim.theory.group_sequential.futility import FUTILITIES
from phase2sim.theory.group_sequential.spending import SPENDINGS
from phase2sim.trial.designs import DESIGNS
from phase2sim.trial.interim.reestimation import REESTIMATIONS
from phase2sim.trial.patients.intercurrent import INTERCURRENT
from phase2sim.trial.patients.missingness import GAPS, MISSINGNESS
from phase2sim.trial.patients.randomisation import RANDOMISATIONS
from phase2sim.trial.patients.recruitment import RECRUITMENTS
from phase2sim.trial.safety import SAFETY

# Every table of parts: what `phase2sim list` shows and where a scenario names one of them.
TABLES: dict[str, Mapping[str, Any]] = {
    "endpoints": ENDPOINTS,
    "derived": DERIVED,
    "responses": RESPONSES,
    "designs": DESIGNS,
    "randomisations": RANDOMISATIONS,
    "recruitments": RECRUITMENTS,
    "shapes": SHAPES,
    "dropouts": MISSINGNESS,
    "gaps": GAPS,
    "intercurrent": INTERCURRENT,
    "analyses": ANALYSES,
    "decisions": DECISIONS,
    "safety": SAFETY,
    "efficacies": EFFICACIES,
    "futilities": FUTILITIES,
    "spendings": SPENDINGS,
    "reestimations": REESTIMATIONS,
}
_NOWHERE_ELSE: Mapping[str, str] = MappingProxyType({})
KEYS: dict[str, str] = {
    "designs": "kind",
    "randomisations": "method",
    "recruitments": "kind",
    "gaps": "mechanism",
    "intercurrent": "kind",
    "shapes": "shape",
    "dropouts": "mechanism",
    "analyses": "method",
    "decisions": "kind",
    "safety": "kind",
    "efficacies": "kind",
    "futilities": "kind",
    "spendings": "kind",
    "reestimations": "kind",
}


def build(
    kind: str,
    table: Table,
    key_path: str,
    path: Path,
    also: Iterable[str] = (),
    *,
    elsewhere: Mapping[str, str] = _NOWHERE_ELSE,
) -> Any:  # noqa: ANN401 - any part
    """Make the part that ``table`` names and describes.

    ``kind`` is a key of ``TABLES``; ``key_path`` is where the table stands in the file; ``also``
    are keys of that table that another part reads; ``elsewhere`` says of keys that do not stand
    there where the file has them. Raises ``BadScenario`` if there is no such part, a
    key is unknown, missing or of a wrong type, or the part refuses its options.
    """
    key = KEYS[kind]
    if key not in table:
        raise BadScenario(
            f"{path}: {key_path}.{key} is missing. Use one of: {', '.join(TABLES[kind])}."
        )
    name, options = table[key], {k: v for k, v in table.items() if k != key}
    if not isinstance(name, str) or name not in TABLES[kind]:
        raise BadScenario(
            f"{path}: {key_path}.{key} is {name!r}; there is no such {key}."
            f" {nearest(str(name), TABLES[kind])}"
        )
    part = TABLES[kind][name]
    known = _keys(part)
    for option in options:
        if option not in known:
            fitting = [other for other, its in TABLES[kind].items() if option in _keys(its)]
            hint = nearest(option, [key, *also, *known])
            if fitting:
                hint = (
                    f"It is one of {', '.join(map(repr, fitting))}. Leave it out or change {key}."
                )
            written = elsewhere.get(option, join_key(key_path, option))
            raise BadScenario(f"{path}: {written} is not a key of {key} = {name!r}. {hint}")
    return validate(_adapter(part), options, key_path, path, BadScenario, elsewhere=elsewhere)


@cache
def _adapter(part: type) -> TypeAdapter[Any]:
    """What checks the options of a part: a millisecond to make, and a sweep has thousands."""
    return TypeAdapter(part)


def keys_of(kind: str, table: Table) -> list[str]:
    """Keys of the part that ``table`` names; none if there is no such part."""
    part = TABLES[kind].get(str(table.get(KEYS[kind])))
    return [] if part is None else _keys(part)


def _keys(part: Any) -> list[str]:  # noqa: ANN401 - any part
    return [field.name for field in fields(part) if field.init]
