"""Events of one reported arm's patients: a negative binomial count a patient."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.evidence.reported import Reported


@dataclass(frozen=True, slots=True)
class SimulatedEvents:
    """How many events each patient had between any two of some months since entry."""

    rate: float  # a patient-month, of all patients of the study's arm
    edges: tuple[float, ...]  # (period + 1,)
    count: Ints  # (patient, period)

    def within(self, span: tuple[float, float]) -> Ints:
        """Events (patient,) of a span that starts and ends at edges."""
        first, last = self.edges.index(span[0]), self.edges.index(span[1])
        return self.count[:, first:last].sum(axis=1)


def span_of(entry: Reported) -> tuple[float, float]:
    """Months over which an entry counts events; from entry on where it names one month."""
    return (0.0, entry.months[0]) if len(entry.months) == 1 else (entry.months[0], entry.months[1])


def draw_events(
    spans: Iterable[tuple[float, float]],
    rate: float,
    dispersion: float,
    patients: int,
    rng: np.random.Generator,
) -> SimulatedEvents:
    """Draw ``patients`` with ``rate`` events a month each and variance mean + dispersion mean^2.

    A gamma frailty a patient makes the total of any span negative binomial, and spans that overlap
    share their events.
    """
    edges = sorted({edge for span in spans for edge in span})
    lengths = np.array([last - first for first, last in pairwise(edges)])
    frailty: Floats = np.ones(patients)
    if dispersion > 0.0:
        frailty = rng.gamma(1.0 / dispersion, dispersion, patients)
    return SimulatedEvents(rate, tuple(edges), rng.poisson(frailty[:, None] * rate * lengths))
