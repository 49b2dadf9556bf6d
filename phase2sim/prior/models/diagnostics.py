"""Diagnostics of a sampled posterior: R-hat, effective sample sizes and divergences."""

from collections.abc import Mapping

import arviz as az
import numpy as np
import xarray as xr

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.unknowns.settings import Gate

DIAGNOSTIC_NAMES = {"rhat": "R-hat", "ess_bulk": "bulk ESS", "ess_tail": "tail ESS"}


def diagnose(posterior: xr.Dataset, divergences: int) -> dict[str, object]:
    """Worst R-hat and effective sample sizes over all parameters, with the parameter of each.

    ``posterior`` has dimensions chain and draw. A value that cannot be computed counts as infinite
    R-hat or ESS 0.
    """
    tables = {
        "rhat": _values(az.rhat(posterior), np.inf),
        "ess_bulk": _values(az.ess(posterior, method="bulk"), 0.0),
        "ess_tail": _values(az.ess(posterior, method="tail"), 0.0),
    }
    diagnostics: dict[str, object] = {"divergences": divergences}
    for name, values in tables.items():
        ranked = sorted(values, key=values.__getitem__)
        worst = ranked[-1] if name == "rhat" else ranked[0]
        diagnostics[name], diagnostics[f"{name}_of"] = values[worst], worst
    return diagnostics


def complaints(diagnostics: Mapping[str, object], gate: Gate) -> tuple[str, ...]:
    """Describe each diagnostic that fails the gate; empty if the fit passes."""
    limits = {
        "rhat": (gate.largest_rhat, "above"),
        "ess_bulk": (gate.smallest_ess, "below"),
        "ess_tail": (gate.smallest_ess, "below"),
    }
    sentences = []
    for name, (limit, side) in limits.items():
        value = float(str(diagnostics[name]))
        sound = value <= limit if side == "above" else value >= limit
        if not sound:
            parameter = diagnostics[f"{name}_of"]
            sentences.append(
                f"{DIAGNOSTIC_NAMES[name]} of {parameter!r} is {value:.4g}, {side} {limit:g}"
            )
    divergent = int(str(diagnostics["divergences"]))
    if divergent > gate.divergences:
        sentences.append(f"{divergent} divergent transitions, more than {gate.divergences}")
    return tuple(sentences)


def _values(table: xr.Dataset, unknown: float) -> dict[str, float]:
    """Flatten to one value per parameter, named like ``history[0, 2]``."""
    by_parameter = {}
    for name, array in table.data_vars.items():
        values: Floats = np.asarray(array.values, dtype=np.float64)
        for position, value in np.ndenumerate(values):
            label = f"{name}{list(position)}" if position else str(name)
            by_parameter[label] = float(value) if np.isfinite(value) else unknown
    return by_parameter
