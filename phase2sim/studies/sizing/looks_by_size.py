"""Interim looks of a design with another number of patients, and the bounds that belong to them."""

from collections.abc import Callable
from functools import cache

from phase2sim.core.errors import BadInput, BadValue
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.assembly.stopping import stopping_of
from phase2sim.trial.interim.rules import Interim, InterimRule

type LooksBySize = Callable[[int], Interim[InterimRule]]


def looks_by_size(built: BuiltScenario) -> LooksBySize | None:
    """Return a function from the number of patients to the interim looks; None without looks.

    Raises ``BadInput`` where the looks depend on more than the number of patients.
    """
    design, path = built.design, built.path
    if design.nested:
        return None
    if not design.can_be_sized:
        raise BadInput(f"{path}: design.kind cannot be sized: who comes depends on the looks.")
    table = built.scenario.stopping
    if table is not None and table.maximum_information:
        raise BadInput(
            f"{path}: stopping.maximum_information is that of {design.patients} patients, and size"
            " looks at others. Leave it out to find a size."
        )
    names = list(built.study.names)

    @cache
    def looks_at_size(patients: int) -> Interim[InterimRule]:
        resized = design.of_size(patients)
        rule = stopping_of(built.scenario, resized, built.study.decision, names, path)
        if rule is None:
            raise BadInput(f"{path}: stopping is missing. Add it.")
        return Interim(resized.schedule, rule)

    return looks_at_size


def looks_fit(built: BuiltScenario, patients: int) -> bool:
    """Whether the looks of a design keep their order with ``patients`` patients."""
    if built.design.nested:
        return True
    try:
        built.design.of_size(patients)
    except BadValue:
        return False
    return True
