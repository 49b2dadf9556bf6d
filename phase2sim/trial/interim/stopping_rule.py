"""When a trial stops at a look: a rule, and its bounds at the planned information."""

from dataclasses import dataclass

from phase2sim.theory.group_sequential import efficacy as efficacies
from phase2sim.theory.group_sequential import futility as futilities
from phase2sim.theory.group_sequential.boundaries import Boundaries
from phase2sim.theory.group_sequential.spending import Spending


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Bounds of efficacy and futility, and whose verdict they stop the trial for.

    ``planned`` are the bounds of each analysis at the planned fractions; there a limit on effects
    has no place on z, and is nan, where ``maximum_information`` is None: one over the squared
    standard error that an analysis is planned to have at the end. With ``actual`` information the
    bounds of a look follow what its trial has then, not the planned fractions.
    """

    planned: tuple[Boundaries, ...]
    efficacy: efficacies.EfficacyRule
    futility: futilities.FutilityRule | None = None
    beta_spending: Spending | None = None
    actual: bool = False
    maximum_information: tuple[float | None, ...] = (None,)
    verdict: int = 0  # its number

    @property
    def one_sided_alpha(self) -> float:
        """Level of each analysis, over all looks."""
        return self.planned[0].one_sided_alpha

    @property
    def limit(self) -> futilities.FutilityLimit | None:
        """Futility below a limit on some scale, if it is that."""
        if self.futility is None or isinstance(self.futility, futilities.BetaSpending):
            return None
        return self.futility

    @property
    def title(self) -> str:
        """In words: what stops the trial, and whether the level counts on it."""
        if self.futility is None:
            return f"{self.efficacy.title}; no stop for futility"
        binding = "binding" if self.futility.binding else "not binding"
        return f"{self.efficacy.title}; futility by {self.futility.title}, {binding}"
