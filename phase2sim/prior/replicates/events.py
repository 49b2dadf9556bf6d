"""Simulated events of one arm: negative binomial counts per patient."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.evidence.reported import ReportedNumber


@dataclass(frozen=True, slots=True)
class SimulatedEvents:
    """Number of events of each patient in each period between consecutive ``edges``."""

    rate: float  # events per patient-month in the study's arm
    edges: tuple[float, ...]  # (period + 1,)
    count: Ints  # (patient, period)

    def within(self, span: tuple[float, float]) -> Ints:
        """Events (patient,) in a span that starts and ends at edges."""
        start, end = self.edges.index(span[0]), self.edges.index(span[1])
        return self.count[:, start:end].sum(axis=1)


def span_of(entry: ReportedNumber) -> tuple[float, float]:
    """Months over which an entry counts events; from entry if it names a single month."""
    return (0.0, entry.months[0]) if len(entry.months) == 1 else (entry.months[0], entry.months[1])


def draw_events(
    spans: Iterable[tuple[float, float]],
    rate: float,
    dispersion: float,
    patients: int,
    rng: np.random.Generator,
) -> SimulatedEvents:
    """Draw events of ``patients`` at ``rate`` per month, variance mean + dispersion mean^2.

    A gamma frailty per patient makes the total over any span negative binomial; overlapping spans
    share their events.
    """
    edges = sorted({edge for span in spans for edge in span})
    lengths = np.array([end - start for start, end in pairwise(edges)])
    frailty: Floats = np.ones(patients)
    if dispersion > 0.0:
        frailty = rng.gamma(1.0 / dispersion, dispersion, patients)
    return SimulatedEvents(rate, tuple(edges), rng.poisson(frailty[:, None] * rate * lengths))
