"""Every figure of what a command found."""

from collections.abc import Iterator, Sequence

from phase2sim.prior.check import PriorCheck
from phase2sim.prior.comparison import ComparisonRow
from phase2sim.reporting.figures.drawing import Figure
from phase2sim.reporting.figures.effect_figures import comparison_figure, effect_figure
from phase2sim.reporting.figures.history_figures import history_figures
from phase2sim.reporting.figures.influence_figures import influence_figures
from phase2sim.reporting.figures.replica_figure import replica_figure
from phase2sim.studies.influence import Influence


def figures_of(found: PriorCheck | Influence | Sequence[ComparisonRow]) -> Iterator[Figure]:
    """Every figure of what a command found, in reading order."""
    match found:
        case PriorCheck():
            return check_figures(found)
        case Influence():
            return influence_figures(found)
        case rows:
            return (comparison_figure(row) for row in rows if any(s.effect for s in row.sides))


def check_figures(check: PriorCheck) -> Iterator[Figure]:
    """Effects before and after the evidence, untreated courses, the replica of the table."""
    for endpoint in (name for name in check.prior.endpoints if name in check.prior.effects):
        yield effect_figure(check, endpoint)
    yield from history_figures(check.evidence, check.prior)
    yield replica_figure(check)
