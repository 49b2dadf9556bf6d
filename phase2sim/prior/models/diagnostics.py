"""Whether a sampled posterior can be trusted: R-hat, effective sample sizes, divergences."""

from collections.abc import Mapping

import arviz as az
import numpy as np
import xarray as xr

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.unknowns.settings import Gate

DIAGNOSTIC_NAMES = {"rhat": "R-hat", "ess_bulk": "bulk ESS", "ess_tail": "tail ESS"}


def diagnose(posterior: xr.Dataset, divergences: int) -> dict[str, object]:
    """Worst R-hat and effective sample sizes over every parameter, and which parameter it is.

    ``posterior`` has dimensions chain and draw. A value that cannot be computed is the worst there
    is (infinite R-hat, ESS 0).
    """
    tables = {
        "rhat": _values(az.rhat(posterior), np.inf),
        "ess_bulk": _values(az.ess(posterior, method="bulk"), 0.0),
        "ess_tail": _values(az.ess(posterior, method="tail"), 0.0),
    }
    found: dict[str, object] = {"divergences": divergences}
    for name, values in tables.items():
        ranked = sorted(values, key=values.__getitem__)
        worst = ranked[-1] if name == "rhat" else ranked[0]
        found[name], found[f"{name}_of"] = values[worst], worst
    return found


def complaints(diagnostics: Mapping[str, object], gate: Gate) -> tuple[str, ...]:
    """Say in words what the gate does not accept; empty if the fit is sound."""
    limits = {
        "rhat": (gate.largest_rhat, "above"),
        "ess_bulk": (gate.smallest_ess, "below"),
        "ess_tail": (gate.smallest_ess, "below"),
    }
    said = []
    for name, (limit, side) in limits.items():
        value = float(str(diagnostics[name]))
        sound = value <= limit if side == "above" else value >= limit
        if not sound:
            parameter = diagnostics[f"{name}_of"]
            said.append(
                f"{DIAGNOSTIC_NAMES[name]} of {parameter!r} is {value:.4g}, {side} {limit:g}"
            )
    divergent = int(str(diagnostics["divergences"]))
    if divergent > gate.divergences:
        said.append(f"{divergent} divergent transitions, more than {gate.divergences}")
    return tuple(said)


def _values(table: xr.Dataset, unknown: float) -> dict[str, float]:
    """Flatten to one value a parameter, named as ``history[0, 2]``."""
    found = {}
    for name, array in table.data_vars.items():
        values: Floats = np.asarray(array.values, dtype=np.float64)
        for place, value in np.ndenumerate(values):
            label = f"{name}{list(place)}" if place else str(name)
            found[label] = float(value) if np.isfinite(value) else unknown
    return found
