"""Interim looks of a design with another number of patients, and the bounds that belong to them."""

from collections.abc import Callable
from functools import cache

from phase2sim.core.errors import BadInput, BadValue
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.assembly.stopping import stopping_of
from phase2sim.trial.interim.rules import Interim, InterimRule

type LooksOf = Callable[[int], Interim[InterimRule]]


def looks_of(built: BuiltScenario) -> LooksOf | None:
    """Return what gives the looks at so many patients; None for a design without.

    Raises ``BadInput`` where they depend on more than the number of patients.
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
    def of(patients: int) -> Interim[InterimRule]:
        sized = design.of_size(patients)
        rule = stopping_of(built.scenario, sized, built.study.decision, names, path)
        if rule is None:
            raise BadInput(f"{path}: stopping is missing. Add it.")
        return Interim(sized.schedule, rule)

    return of


def fits(built: BuiltScenario, patients: int) -> bool:
    """Whether the looks of a design can be held at so many patients, in their order."""
    if built.design.nested:
        return True
    try:
        built.design.of_size(patients)
    except BadValue:
        return False
    return True
