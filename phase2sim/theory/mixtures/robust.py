"""Normal mixture as stated in a scenario, with a robust component."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput
from phase2sim.theory.mixtures.normal_mixture import NormalMixture, normal_mixture


@dataclass(frozen=True, slots=True)
class AnalysisMixture:
    """A mixture of normals on the endpoint's model scale, and a robust component beside it.

    The robust one takes ``robust_weight`` of all and is a normal with ``robust_sd`` around
    ``robust_mean``, the mixture's own mean if left out. Raises ``ValueError`` for numbers that are
    no mixture.

    Parameters
    ----------
    weights : tuple of float, (component,)
        Weights of the components without the robust one; 0 or more, with a sum of 1.
    means : tuple of float, (component,)
        Means, in the unit of the endpoint's model scale.
    sds : tuple of float, (component,)
        Standard deviations, above 0, in the same unit.
    robust_weight : float, default 0.0
        Weight of the robust component in the whole mixture, at least 0 and below 1; 0 for none.
    robust_mean : float, optional
        Mean of the robust component. The mean of the other components if omitted.
    robust_sd : float, optional
        Standard deviation of the robust component, above 0; required if it has a weight.

    Raises
    ------
    ValueError
        If the numbers are not a mixture, or if the robust component is stated in part.

    References
    ----------
    Schmidli et al. (2014), Biometrics 70: 1023-1032.

    Examples
    --------
    A fifth of the weight for a normal with SD 40 around -45 (R 4.2.2: mean -45.8, SD 19.5795812):

    >>> prior = AnalysisMixture((0.6, 0.4), (-50.0, -40.0), (5.0, 10.0), 0.2, -45.0, 40.0)
    >>> mixture = prior.mixture()
    >>> round(float(mixture.mean()), 6), round(float(mixture.sd()), 6)
    (-45.8, 19.579581)
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    robust_weight: float = 0.0
    robust_mean: float | None = None
    robust_sd: float | None = None
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if not 0.0 <= self.robust_weight < 1.0:
            raise ValueError(
                f"robust_weight is {self.robust_weight:g}; it must be at least 0 and below 1."
            )
        if self.robust_weight > 0.0 and self.robust_sd is None:
            raise ValueError("robust_sd is missing; a robust_weight needs it. Add it.")
        if self.robust_weight == 0.0 and (self.robust_sd, self.robust_mean) != (None, None):
            raise ValueError(
                "robust_weight is 0; leave out robust_sd and robust_mean, or raise it."
            )
        if self.robust_sd is not None and not 0.0 < self.robust_sd < np.inf:
            raise ValueError(f"robust_sd is {self.robust_sd:g}; it must be above 0.")
        try:
            normal_mixture(self.weights, self.means, self.sds)
        except BadInput as error:
            raise ValueError(str(error)) from None

    def mixture(self) -> NormalMixture:
        """Return the whole mixture.

        Returns
        -------
        NormalMixture
            Mixture whose last component is the robust one, if there is one.
        """
        informative = normal_mixture(self.weights, self.means, self.sds)
        if self.robust_weight == 0.0 or self.robust_sd is None:
            return informative
        mean = float(informative.mean()) if self.robust_mean is None else self.robust_mean
        return informative.robustified(self.robust_weight, mean, self.robust_sd)

    def borrowed(
        self, posterior: NormalMixture, se: Floats, patients: Floats
    ) -> Mapping[str, Floats]:
        """Weight of the informative components before and after the trial, and patients borrowed.

        Patients borrowed are those that would reduce the standard error to the posterior SD.

        Parameters
        ----------
        posterior : NormalMixture
            Posterior of each trial, with leading axis (trial,).
        se : ndarray of float, (trial,)
            Standard error of the estimate.
        patients : ndarray of float, (trial,)
            Patients behind the estimate.

        Returns
        -------
        mapping of str to ndarray of float, (trial,)
            ``prior_weight`` and ``posterior_weight``, between 0 and 1, and ``borrowed_patients``.
        """
        components = len(self.weights)
        return {
            "prior_weight": np.full(se.shape, 1.0 - self.robust_weight),
            "posterior_weight": posterior.weights[..., :components].sum(axis=-1),
            "borrowed_patients": patients * ((se / posterior.sd()) ** 2 - 1.0),
        }
