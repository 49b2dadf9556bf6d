"""Stop where the share of patients with an event is likely to be above a limit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.trial.safety.boundaries import events_that_stop, posterior_excess
from phase2sim.trial.safety.monitoring import check_watch


@dataclass(frozen=True, slots=True)
class PosteriorExcess:
    """Stop where P(share of treated with an event > ``limit`` | data) is above ``certainty``.

    ``looks`` are treated patients followed to ``by_month``, in order of enrolment; ``prior`` is
    Beta(a, b), worth a + b patients.

    Parameters
    ----------
    event : {"adverse_events", "serious_adverse_events", "hypoglycaemia"}
        Event that is counted.
    by_month : float
        Months for which a patient is followed, above 0.
    looks : tuple of int
        Numbers of treated patients followed at each look, rising, from 1.
    limit : float
        Largest acceptable share of treated patients with an event, between 0 and 1.
    certainty : float
        Posterior probability of an excess above which the trial stops, between 0 and 1.
    prior : tuple of (float, float)
        Parameters a and b of the Beta prior of the share, each above 0.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Notes
    -----
    After x patients with an event among n the posterior is ``Beta(a + x, b + n - x)``.

    References
    ----------
    Thall, Simon and Estey (1995), Statistics in Medicine 14: 357-379.

    Examples
    --------
    A limit of 20 %, a uniform prior and a certainty of 95 % (``pbeta`` of R 4.2.2: 3, 5, 6 and 7
    events with posterior probabilities 0.98304, 0.98834579, 0.97334267 and 0.95694737):

    >>> looks = (5, 10, 15, 20)
    >>> rule = PosteriorExcess("adverse_events", 12.0, looks, 0.2, certainty=0.95, prior=(1.0, 1.0))
    >>> rule.boundary().tolist()
    [3, 5, 6, 7]
    >>> rule.evidence(rule.boundary()).round(8).tolist()
    [0.98304, 0.98834579, 0.97334267, 0.95694737]
    """

    event: str
    by_month: float
    looks: tuple[int, ...]
    limit: float
    certainty: float
    prior: tuple[float, float]
    evidence_is: ClassVar[str] = "posterior P(above limit)"
    title: ClassVar[str] = "posterior probability of an excess of events"

    def __post_init__(self) -> None:
        check_watch(self.event, self.by_month, self.looks, self.limit)
        if not 0.0 < self.certainty < 1.0:
            raise BadValue("certainty", f"is {self.certainty:g}; it must lie between 0 and 1")
        if not (min(self.prior) > 0.0 and max(self.prior) < float("inf")):
            raise BadValue("prior", f"is {list(self.prior)}; a and b of a Beta are above 0")

    def boundary(self) -> Ints:
        """Fewest patients with an event that stop, by look."""
        return events_that_stop(np.array(self.looks), self.prior, self.limit, self.certainty)

    def evidence(self, boundary: Ints) -> Floats:
        """Posterior probability of an excess at the boundary; nan where nothing stops."""
        looks = np.array(self.looks)
        reached = np.minimum(boundary, looks)
        probability = posterior_excess(reached, looks, self.prior, self.limit)
        return np.where(boundary > looks, np.nan, probability)
