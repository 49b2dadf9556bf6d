"""What a scenario plans of a data file: arms, visits, units, and what each analysis needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from phase2sim.core.analysis import Analysis
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.units import Unit, unit_of


@dataclass(frozen=True, slots=True)
class Need:
    """What one analysis needs of a data file."""

    analysis: str  # as messages call it
    endpoint: str
    months: tuple[float, ...]
    columns: tuple[str, ...]  # of base, age, stratum and factors


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What a data file may hold, by its scenario."""

    arms: tuple[str, ...]  # control first
    visits_months: tuple[float, ...]  # baseline (0) first
    needs: tuple[Need, ...]  # of the analyses to be made
    units: Mapping[str, str] = field(default_factory=dict)  # where not the endpoint's own
    missing: tuple[str, ...] = ()  # codes of missing values, beside those of every file

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that are analysed."""
        return tuple(dict.fromkeys(need.endpoint for need in self.needs))

    @property
    def factors(self) -> tuple[str, ...]:
        """Further columns that enter an analysis."""
        named = (column for need in self.needs for column in need.columns)
        return tuple(dict.fromkeys(c for c in named if c not in {"base", "age", "stratum"}))

    def needs_column(self, column: str) -> bool:
        """Whether an analysis needs a column."""
        return any(column in need.columns for need in self.needs)

    def unit(self, endpoint: str) -> Unit:
        """Unit in which the file gives the values of a measured endpoint."""
        return unit_of(MEASURES[endpoint], self.units.get(endpoint))


def columns_needed(analysis: Analysis) -> tuple[str, ...]:
    """Columns beside the outcome that an analysis cannot do without."""
    named = {*analysis.covariates, *analysis.needs}
    base = ("base",) if analysis.reads_baseline else ()
    return base + tuple(c for c in ("age", "stratum") if c in named) + tuple(analysis.factors)
