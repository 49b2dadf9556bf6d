"""Simulation-based calibration: draw a truth, simulate its report, fit, rank the truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from ranks import Verdict, verdict

from phase2sim.knowledge import Evidence
from phase2sim.models.fit import Compiled, _draws
from phase2sim.models.joint import joint_model
from phase2sim.models.settings import EVENT_PRIORS, PRIORS, EndpointPriors, EventPriors, Sampler
from phase2sim.randomness import generator
from phase2sim.replicas.parameters import parameters_of
from phase2sim.replicas.replicate import replicate, with_values

type Floats = NDArray[np.float64]
type Draws = Mapping[str, Floats]  # (draw, ...) by variable
type Quantity = Callable[[Draws, Floats], Floats]  # of draws and reported numbers, (draw,)

KEPT = 63  # thinned draws: ranks from 0 to 63
SEED = 20261124


@dataclass(frozen=True)
class Case:
    """A report, the priors that truths come from, and what is ranked."""

    name: str
    evidence: Evidence
    quantities: Mapping[str, Quantity]
    priors: Mapping[str, EndpointPriors] = field(default_factory=lambda: PRIORS)
    event_priors: EventPriors = EVENT_PRIORS
    replications: int = 320
    sampler: Sampler = field(default_factory=lambda: Sampler(chains=2, tune=300, draws=300))


@dataclass(frozen=True)
class Calibration:
    """What calibration found of one case."""

    case: Case
    verdicts: Mapping[str, Verdict]
    replications: int
    divergent: int  # fits with a divergent transition
    least_ess: float  # median over fits of the smallest effective sample size of a quantity


def calibrate(case: Case) -> Calibration:
    """Run all replications of a case."""
    truths = prior_draws(case)
    compiled = Compiled.of(case.evidence, case.priors, case.event_priors)
    parameters = _draws(case.evidence, truths, Sampler(kept=case.replications), {})
    by_name = {str(name): values.values[0] for name, values in truths.items()}
    ranks: dict[str, list[int]] = {name: [] for name in case.quantities}
    divergent = 0
    for trial in range(case.replications):
        rng = generator(SEED, "outcome", trial)
        values = replicate(case.evidence, parameters_of(parameters, trial), rng)
        trace = compiled.sample(with_values(case.evidence, values), trial, case.sampler)
        divergent += bool(np.asarray(trace["sample_stats"]["diverging"]).any())
        draws = thinned(trace["posterior"].to_dataset())
        for name, quantity in case.quantities.items():
            truth = quantity({key: of[trial : trial + 1] for key, of in by_name.items()}, values)
            ranks[name].append(int(np.sum(quantity(draws, values) < truth)))
    return Calibration(
        case,
        {name: verdict(np.array(of), KEPT) for name, of in ranks.items()},
        case.replications,
        divergent,
        0.0,
    )


def prior_draws(case: Case) -> xr.Dataset:
    """Draws of every variable of the model without its evidence, (chain = 1, draw, ...)."""
    model = joint_model(case.evidence, case.priors, case.event_priors)
    variables = [*model.basic_RVs, *model.deterministics]
    drawn = pm.draw(variables, draws=case.replications, random_seed=SEED)
    return xr.Dataset(
        {
            variable.name: (
                ("chain", "draw", *(f"{variable.name}_{i}" for i in range(values.ndim - 1))),
                values[None],
            )
            for variable, values in zip(variables, drawn, strict=True)
        }
    )


def thinned(posterior: xr.Dataset) -> dict[str, Floats]:
    """Evenly spaced draws of all chains, (draw, ...)."""
    found = {}
    for name, array in posterior.items():
        values = array.transpose("chain", "draw", ...).values
        flat = values.reshape(-1, *values.shape[2:])
        found[str(name)] = flat[np.linspace(0, len(flat) - 1, KEPT).round().astype(int)]
    return found
