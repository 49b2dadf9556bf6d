"""Posterior draws given the evidence: the prior for the next trial.

Axis names as in ``core.contracts``; ``draw`` is a posterior draw.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.io.data_frames import frame_of
from phase2sim.core.io.views import View, Viewed
from phase2sim.evidence.reported import EffectAssumption

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

_ENDPOINT_ARRAYS = ("effect", "level_sd", "slope_sd", "patient_share", "decay")


_LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, repr=False)
class PriorDraws(Viewed):
    """Joint posterior draws given the evidence: the prior for the next trial.

    Model scale, leading axis ``draw``. The level and slope of a new trial's control arm vary around
    ``history`` by ``level_sd`` and ``slope_sd`` (per month since randomisation).

    >>> import phase2sim
    >>> prior = phase2sim.fit("gxipc1", "t1d-natural-history")
    >>> prior.frame().endpoint.tolist()
    ['hba1c', 'c_peptide', 'insulin', 'glucose']
    >>> prior.dataset().history.dims
    ('draw', 'endpoint', 'months_since_diagnosis')
    """

    endpoints: tuple[str, ...]
    knots_months: Floats  # (knot,), months since diagnosis
    history: Floats  # (draw, endpoint, knot) mean of untreated patients of the reference age
    sd: Floats  # (draw, endpoint, knot) between patients at one time since diagnosis
    level_sd: Floats  # (draw, endpoint) between studies
    slope_sd: Floats  # (draw, endpoint) between studies, per month
    patient_share: Floats  # (draw, endpoint) of the variance that a patient keeps for ever
    decay: Floats  # (draw, endpoint) correlation of the rest a month apart
    endpoint_correlation: Floats  # (draw, endpoint, endpoint)
    effect: Floats  # (draw, endpoint); nan where the evidence has no treated arm
    effects: Mapping[str, EffectAssumption]
    provenance: Mapping[str, object]  # digest, names, versions, seed, diagnostics, elicited inputs
    bias: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), nan if none
    class_mean: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    class_sd: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint), same
    age_slope: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, endpoint) a year
    event_outcomes: tuple[str, ...] = ()
    event_rate: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))
    # (draw, outcome, 2): of untreated and of treated patients, a month
    event_dispersion: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (draw, outcome)
    sampled: Mapping[str, Floats] = field(default_factory=dict)  # (draw, ...) all that was sampled

    def frame(self) -> "DataFrame":
        """The fitted effects as a pandas data frame, one line an endpoint, model scale."""
        return frame_of(list(self._effects()))

    def dataset(self) -> "Dataset":
        """Every draw of what patients are simulated from, as an xarray dataset, model scale."""
        import xarray as xr  # noqa: PLC0415 - half a second, and only who asks for it needs it

        by_endpoint, knot = ("draw", "endpoint"), "months_since_diagnosis"
        dimensions: dict[str, tuple[str, ...]] = dict.fromkeys(_ENDPOINT_ARRAYS, by_endpoint)
        dimensions |= dict.fromkeys(("history", "sd"), (*by_endpoint, knot))
        dimensions["endpoint_correlation"] = (*by_endpoint, "with_endpoint")
        return xr.Dataset(
            {name: (over, getattr(self, name)) for name, over in dimensions.items()},
            coords={
                "endpoint": list(self.endpoints),
                "with_endpoint": list(self.endpoints),
                knot: self.knots_months,
            },
        )

    def view(self) -> View:
        """The fitted effects, each with its 95 % interval."""
        rows = tuple(
            (
                row["endpoint"],
                f"{row['month']:g}",
                f"{row['mean']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}",
                f"{row['benefit']:.2f}",
            )
            for row in self._effects()
        )
        elicited = self.provenance.get("elicited")
        names = self.provenance.get("evidence")
        notes = ["Model scale. Of the benefit, the share of the draws that are in its direction."]
        if isinstance(elicited, list) and elicited:
            notes.append(f"{len(elicited)} inputs are elicited: our judgement, not published.")
        return View(
            f"Prior given {', '.join(names) if isinstance(names, list) else 'evidence'}:"
            f" {len(self.history):,} draws",
            ("endpoint", "month", "effect", "95 %", "benefit"),
            rows,
            tuple(notes),
            words=1,
        )

    def _effects(self) -> Iterator[dict[str, Any]]:
        """Mean, SD, 95 % limits and chance of benefit of each effect that was fitted."""
        for place, name in enumerate(self.endpoints):
            if name not in self.effects:
                continue
            draws = self.effect[:, place]
            low, high = np.quantile(draws, _LIMITS)
            yield {
                "endpoint": name,
                "month": self.effects[name].month,
                "unit": ENDPOINTS[name].model_unit,
                "mean": float(draws.mean()),
                "sd": float(draws.std(ddof=1)),
                "low": float(low),
                "high": float(high),
                "benefit": float((draws * ENDPOINTS[name].benefit_sign > 0.0).mean()),
            }
