"""Stop at one nominal level at every look, with a stated chance of stopping a safe treatment."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.errors import BadValue
from phase2sim.trial.safety.boundaries import at_least, chance_of_stopping
from phase2sim.trial.safety.monitoring import check_watch


@dataclass(frozen=True, slots=True)
class PocockExcess:
    """Stop where events are as rare as one level allows if their share were ``limit``.

    The level is the same at every look, the largest with which the trial stops with a probability
    of ``false_stop`` or less where the share of treated with an event is ``limit``. ``looks`` are
    treated patients followed to ``by_month``, in order of enrolment. Ivanova, Qaqish and Schell,
    Biometrics 2005.

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
    false_stop : float
        Largest probability of stopping at any look if the share is ``limit``, between 0 and 0.5.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    References
    ----------
    Ivanova, Qaqish and Schell (2005), Biometrics 61: 540-545.

    Examples
    --------
    With a single look the boundary is a binomial quantile. Of 20 patients 7 or more have an event
    with probability 0.0867 and 8 or more with 0.0321 if the share is 20 %, so that 8 stop the
    trial:

    >>> rule = PocockExcess("adverse_events", 12.0, (20,), limit=0.2, false_stop=0.05)
    >>> rule.boundary().tolist(), rule.evidence(rule.boundary()).round(4).tolist()
    ([8], [0.0321])
    """

    event: str
    by_month: float
    looks: tuple[int, ...]
    limit: float
    false_stop: float
    evidence_is: ClassVar[str] = "P(so many | limit)"
    title: ClassVar[str] = "Pocock-type boundary for an excess of events"

    def __post_init__(self) -> None:
        check_watch(self.event, self.by_month, self.looks, self.limit)
        if not 0.0 < self.false_stop < 0.5:  # noqa: PLR2004 - half would be a coin
            raise BadValue("false_stop", f"is {self.false_stop:g}; it must lie between 0 and 0.5")

    def boundary(self) -> Ints:
        """Fewest patients with an event that stop, by look."""
        looks = np.array(self.looks)
        levels = np.unique(
            np.concatenate([at_least(np.arange(n + 1), n, self.limit) for n in looks])
        )
        low, high = -1, levels.size - 1  # the highest level stops every trial
        while high - low > 1:
            middle = (low + high) // 2
            stops = chance_of_stopping(looks, self._at(levels[middle]), self.limit).sum()
            low, high = (middle, high) if stops <= self.false_stop else (low, middle)
        return looks + 1 if low < 0 else self._at(levels[low])

    def evidence(self, boundary: Ints) -> Floats:
        """Chance of so many events or more at the boundary, were their share the limit."""
        looks = np.array(self.looks)
        chance = at_least(boundary, looks, self.limit)
        return np.where(boundary > looks, np.nan, chance)

    def _at(self, level: float) -> Ints:
        """Fewest events, by look, with a tail probability of ``level`` or less."""
        rounded = level * (1 + 1e-12)  # a level is itself such a tail
        fewest = [
            int((at_least(np.arange(n + 1), n, self.limit) > rounded).sum()) for n in self.looks
        ]
        return np.array(fewest, np.int64)
