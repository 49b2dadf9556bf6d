"""When after diagnosis patients enter a trial: even over a window, or a beta distribution on it."""

from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.optimize import brentq

from phase2sim.core.arrays import Floats

SINCE_DIAGNOSIS = "months_since_diagnosis"  # the key of files, also of eligibility
_STEEPEST = 200.0  # tilt beyond which everybody enters at one end
_SDS_AROUND = 4.0  # half width of the window of a mean and SD without limits


class EntryTime(NamedTuple):
    """Months from diagnosis to entry, in the patients of one arm or trial.

    A beta distribution over the window from ``earliest`` to ``latest``, whose shape parameters 1
    and 1 are an even spread. ``tilt`` multiplies the density by ``exp(tilt * position)``, with the
    position from -1 at the earliest to 1 at the latest month: the distribution nearest to even with
    a given mean. ``above`` and ``below`` are the quantiles that eligibility cuts at.

    Parameters
    ----------
    earliest, latest : float
        Window, months since diagnosis; no width if everybody enters at the same time.
    first, second : float
        Shape parameters of the beta distribution, above 0.
    tilt : float
        0 for none; only of an even spread.
    above, below : float
        Part of the distribution that may enter, as quantiles from 0 to 1.
    learned : bool
        Whether a fit learns the tilt from what the arm reports.

    Examples
    --------
    >>> reported = entry_of_moments(3.4, 1.7, (0.0, 6.0))
    >>> round(reported.mean, 6), round(reported.sd, 6)
    (3.4, 1.7)
    >>> EntryTime(0.0, 12.0).cut(0.0, 3.0)[:2]
    (0.0, 3.0)
    """

    earliest: float = 0.0
    latest: float = 0.0
    first: float = 1.0
    second: float = 1.0
    tilt: float = 0.0
    above: float = 0.0
    below: float = 1.0
    learned: bool = False

    @property
    def has_width(self) -> bool:
        """True if patients enter at different times."""
        return self.latest > self.earliest

    @property
    def is_even(self) -> bool:
        """True if the spread over the window is even."""
        return self.first == self.second == 1.0 and not self.tilt

    @property
    def mean(self) -> float:
        """Mean, months since diagnosis."""
        return float(self.times(_MANY).mean())

    @property
    def sd(self) -> float:
        """SD, months."""
        return float(self.times(_MANY).std())

    @property
    def words(self) -> str:
        """Describe the distribution, in months."""
        if not self.has_width:
            return f"{self.earliest:g}"
        window = f"{self.earliest:g} to {self.latest:g}"
        if self.learned:
            return f"{window} (how spread is learned)"
        if self.is_even:
            return window
        return f"{window}, mean {self.mean:.1f} (SD {self.sd:.1f})"

    def times(self, nodes: int) -> Floats:
        """Midpoints (node,) of parts with equal shares of the patients; one time without width."""
        count = nodes if self.has_width else 1
        return self.quantiles((np.arange(count) + 0.5) / count)

    def quantiles(self, uniform: Floats) -> Floats:
        """Months since diagnosis at quantiles, in their shape."""
        share = uniform
        if (self.above, self.below) != (0.0, 1.0):
            share = self.above + (self.below - self.above) * uniform
        if self.tilt:
            share = _tilted_quantiles(self.tilt, share)
        elif not self.is_even:
            share = special.betaincinv(self.first, self.second, share)
        months: Floats = self.earliest + (self.latest - self.earliest) * share
        return months

    def share_below(self, months: Floats) -> Floats:
        """Share of the patients, before any cut, who enter by each month; in its shape."""
        if not self.has_width:
            return np.asarray(months >= self.earliest, dtype=np.float64)
        reached = np.clip((months - self.earliest) / (self.latest - self.earliest), 0.0, 1.0)
        if self.tilt:
            return np.asarray(np.expm1(2.0 * self.tilt * reached) / np.expm1(2.0 * self.tilt))
        return np.asarray(special.betainc(self.first, self.second, reached))

    def tilted(self, tilt: float) -> "EntryTime":
        """Return the window with its spread learned."""
        return self._replace(tilt=tilt, learned=False)

    def cut(self, at_least: float, at_most: float) -> "EntryTime":
        """Return the distribution among those who enter between two months.

        Raises ``ValueError`` if nobody does.
        """
        low, high = max(at_least, self.earliest), min(at_most, self.latest)
        if low > high or (self.has_width and low == high):
            limit = f" and at most {at_most:g}" if np.isfinite(at_most) else ""
            raise ValueError(f"nobody enters at {at_least:g} months or more{limit}")
        if not self.has_width:
            return self
        if self.is_even or self.tilt:
            share = (high - low) / (self.latest - self.earliest)
            return self._replace(earliest=low, latest=high, tilt=self.tilt * share)
        above, below = self.share_below(np.array([low, high]))
        return self._replace(above=float(above), below=float(below))

    def position(self, months: Floats) -> Floats:
        """Place in the window, -1 at its start and 1 at its end, in the shape of ``months``."""
        return (2.0 * months - self.earliest - self.latest) / (self.latest - self.earliest)


_MANY = 4000  # times for a mean and an SD


def entry_of_moments(
    mean: float, sd: float, within: tuple[float, float] | None = None
) -> EntryTime:
    """Beta distribution with a mean and an SD.

    Parameters
    ----------
    mean, sd : float
        Months since diagnosis.
    within : tuple of (float, float), optional
        Window; without one 4 SDs on either side of the mean, from diagnosis on.

    Returns
    -------
    EntryTime
        With these two moments.

    Raises
    ------
    ValueError
        If no distribution within the window has them.

    Notes
    -----
    Shape parameters by moments: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions
    2, 1995, section 25.4.

    Examples
    --------
    >>> entry_of_moments(6.0, 12.0 / 12**0.5, (0.0, 12.0)).first
    1.0
    """
    low, high = within or (max(mean - _SDS_AROUND * sd, 0.0), mean + _SDS_AROUND * sd)
    if not low < mean < high:
        raise ValueError(f"the mean is {mean:g}, which is not within {low:g} and {high:g} months")
    largest = float(np.sqrt((mean - low) * (high - mean)))
    if not 0 < sd < largest:
        raise ValueError(
            f"the SD is {sd:g}; with a mean of {mean:g} within {low:g} and {high:g} months it is"
            f" above 0 and below {largest:.3g}"
        )
    centre = (mean - low) / (high - low)
    size = round((largest / sd) ** 2 - 1.0, 12)
    return EntryTime(low, high, centre * size, (1.0 - centre) * size)


def entry_of_mean(mean: float, within: tuple[float, float]) -> EntryTime:
    """Distribution nearest to even over a window that has a mean: a tilted one.

    It has the largest entropy of all with this mean (Jaynes, Physical Review 1957; 106: 620).

    Parameters
    ----------
    mean : float
        Months since diagnosis.
    within : tuple of (float, float)
        Window.

    Returns
    -------
    EntryTime
        With this mean.

    Raises
    ------
    ValueError
        If the mean is not within the window.

    Examples
    --------
    >>> round(entry_of_mean(2.5, (0.0, 3.0)).mean, 3)
    2.5
    """
    low, high = within
    if not low < mean < high:
        raise ValueError(f"the mean is {mean:g}, which is not within {low:g} and {high:g} months")
    goal = 2.0 * (mean - low) / (high - low) - 1.0
    if abs(mean_position(np.array(_STEEPEST))) <= abs(goal):
        raise ValueError(
            f"the mean is {mean:g}, at an end of {low:g} to {high:g} months; narrow the window"
        )
    tilt = brentq(lambda tilt: float(mean_position(np.array(tilt))) - goal, -_STEEPEST, _STEEPEST)
    return EntryTime(low, high, tilt=float(tilt) if abs(goal) > 1e-12 else 0.0)  # noqa: PLR2004


def mean_position(tilt: Floats) -> Floats:
    """Mean position, -1 to 1, of a tilted even spread: the Langevin function; in its shape."""
    small = np.abs(tilt) < 1e-4  # noqa: PLR2004 # its series
    safe = np.where(small, 1.0, tilt)
    position: Floats = np.where(small, tilt / 3.0, 1.0 / np.tanh(safe) - 1.0 / safe)
    return position


def _tilted_quantiles(tilt: float, share: Floats) -> Floats:
    """Quantiles, from 0 to 1, of a density proportional to exp(2 tilt x) on (0, 1)."""
    if tilt > 0:
        return 1.0 - _tilted_quantiles(-tilt, 1.0 - share)
    quantile: Floats = np.log1p(share * np.expm1(2.0 * tilt)) / (2.0 * tilt)
    return quantile
