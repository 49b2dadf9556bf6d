"""Log likelihood ratios, at posterior draws, of evidence with other elicited inputs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pymc as pm
from pytensor.graph.replace import graph_replace

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.densities.pytensor_names import Tensor, function, pt
from phase2sim.prior.models.joint import Densities, declare
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells

_DRAWS_BETWEEN_REPORTS = 1_000


def log_likelihood_ratios(
    evidence: Evidence,
    moved: Sequence[Evidence],
    prior: PriorDraws,
    report: Callable[[str], None] = lambda _line: None,
) -> Floats:
    """Log likelihood (draw, moved) of each moved evidence minus that of the fitted one.

    Each differs from ``evidence`` in shapes of effects, elicited numbers or typical weights only.
    Only studies with treated arms or elicited numbers are evaluated: all others cancel.
    """
    report("compiling what each elicited input does to the likelihood")
    layout = cells(evidence)
    model, likelihood = _likelihood(evidence, layout)
    inputs = {variable.name: variable for variable in model.free_RVs}
    outputs = [likelihood]
    for other in moved:
        other_model, other_likelihood = _likelihood(other, layout)
        same = {variable: inputs[variable.name] for variable in other_model.free_RVs}
        outputs += graph_replace([other_likelihood], same, strict=False)
    evaluate = function(list(inputs.values()), outputs, on_unused_input="ignore")
    draws = len(prior.history)
    values = np.empty((draws, len(outputs)))
    for draw in range(draws):
        if draw % _DRAWS_BETWEEN_REPORTS == 0:
            report(f"reading the evidence otherwise: {draw} of {draws} draws")
        values[draw] = evaluate(*(prior.sampled[name][draw] for name in inputs))
    return np.asarray(values[:, 1:] - values[:, :1])


def _likelihood(evidence: Evidence, layout: Cells) -> tuple[pm.Model, Tensor]:
    """Model of the affected studies, in the layout of all, and its log likelihood."""
    with pm.Model() as model:
        densities = declare(_affected(evidence), layout, PRIORS)
    return model, _sum(densities)


def _affected(evidence: Evidence) -> Evidence:
    studies = {arm.study for arm in evidence.arms if arm.treated}
    studies |= {entry.study for entry in evidence.reported if entry.elicited and not entry.unused}
    return replace(
        evidence,
        reported=tuple(
            entry
            for entry in evidence.reported
            if entry.study in studies and (entry.unused or entry.endpoint in ENDPOINTS)
        ),
        individuals=tuple(data for data in evidence.individuals if data.study in studies),
    )


def _sum(densities: Densities) -> Tensor:
    total = pt.zeros(())
    for joint in (densities.locations, densities.spread):
        if joint is not None:
            total = total + joint.density
    for rows in densities.rows.values():
        total = total + pt.sum(rows)
    return total
