"""All figures of a check, an influence analysis or a comparison of evidence."""

from collections.abc import Iterator, Sequence

from phase2sim.prior.check import PriorCheck
from phase2sim.prior.comparison import ComparisonRow
from phase2sim.reporting.figures.drawing import Figure
from phase2sim.reporting.figures.effect_figures import comparison_figure, effect_figure
from phase2sim.reporting.figures.history_figures import history_figures
from phase2sim.reporting.figures.influence_figures import influence_figures
from phase2sim.reporting.figures.knob_figures import knob_figures
from phase2sim.reporting.figures.replica_figure import replica_figure
from phase2sim.studies.influence import Influence
from phase2sim.studies.knob_sensitivity import KnobSensitivity


def draw_figures(
    result: PriorCheck | Influence | KnobSensitivity | Sequence[ComparisonRow],
) -> Iterator[Figure]:
    """Yield the figures of a result in reading order."""
    match result:
        case PriorCheck():
            return draw_check_figures(result)
        case Influence():
            return influence_figures(result)
        case KnobSensitivity():
            return knob_figures(result)
        case rows:
            return (comparison_figure(row) for row in rows if any(s.effect for s in row.sides))


def draw_check_figures(check: PriorCheck) -> Iterator[Figure]:
    """Yield effects before and after the evidence, untreated courses, and the replica."""
    for endpoint in (name for name in check.prior.endpoints if name in check.prior.effects):
        yield effect_figure(check, endpoint)
    yield from history_figures(check.evidence, check.prior)
    yield replica_figure(check)
