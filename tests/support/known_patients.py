"""Patients whose every unknown is a number, and densities of what is reported of them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pytensor
from numpy.typing import ArrayLike, NDArray

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.joint import Tables, read_tables
from phase2sim.prior.models.likelihoods.events import read_events
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells
from phase2sim.prior.models.unknowns.natural_history import (
    DEVIATIONS,
    Moments,
    NaturalHistory,
    cell_moments,
    same_visit_correlation,
    term_weights,
)

type Floats = NDArray[np.float64]

UNCOMPILED = pytensor.compile.Mode(linker="py", optimizer=None)
KNOTS = 7
MEAN: Mapping[str, float] = {"hba1c": 8.0, "c_peptide": 0.5, "insulin": 0.7, "glucose": 2.0}
SD: Mapping[str, float] = {"hba1c": 1.2, "c_peptide": 0.3, "insulin": 0.15, "glucose": 0.3}
SHARE, DECAY = 0.6, 0.9


def kept(first: ArrayLike, second: ArrayLike, share: float = SHARE, decay: float = DECAY) -> Floats:
    """Correlation of a patient's values at two months since diagnosis."""
    first, second = np.asarray(first), np.asarray(second)
    return share + (1.0 - share) * decay ** np.abs(np.log2((second + 0.5) / (first + 0.5)))


class Known(NamedTuple):
    """An evidence laid out, what its entries read, and what is true of its patients."""

    layout: Cells
    tables: Tables
    at: Moments
    history: NaturalHistory


def evaluated(expression: Tensor) -> Floats:
    return np.asarray(pytensor.function([], expression, mode=UNCOMPILED)())


def known(evidence: Evidence, **true: ArrayLike) -> Known:
    """Lay out the evidence.

    ``true`` replaces what is known by endpoint: ``mean`` and ``sd`` (endpoint, knot), ``level_sd``,
    ``slope_sd``, ``diagnosis_sd``, ``share``, ``decay``, ``age_slope``, ``spread_sd`` and
    ``share_sd`` (endpoint,), ``driver`` (endpoint, endpoint), ``tilt`` (learned arm,). By default
    curves are flat, studies alike and endpoints independent.
    """
    layout = cells(evidence)
    names = layout.endpoints
    none = np.zeros(len(names))
    of = {
        "mean": np.tile([[MEAN[name]] for name in names], KNOTS),
        "sd": np.tile([[SD[name]] for name in names], KNOTS),
        "level_sd": none,
        "slope_sd": none,
        "diagnosis_sd": none,
        "share": none + SHARE,
        "decay": none + DECAY,
        "age_slope": none,
        "spread_sd": none,
        "share_sd": none,
        "driver": np.eye(len(names)),
        "tilt": np.zeros(layout.learned.shape[1]),
    } | true
    of |= {"years": layout.years}
    values = {name: pt.as_tensor(np.asarray(value, dtype=float)) for name, value in of.items()}
    driver, tilt = values.pop("driver"), values.pop("tilt")
    sds = [values.pop(f"{name}_sd") for name in DEVIATIONS]
    entered = pt.sum(layout.learned * tilt, axis=1)
    history = NaturalHistory(
        deviation_sd=pt.stack(sds, axis=1),
        deviation=pt.zeros((layout.months.size, len(sds))),  # sampled studies stand at the mean
        deviation_weight=term_weights(layout, [PRIORS[name] for name in names], entered),
        spread=pt.ones(layout.months.size),
        cell_share=values["share"][layout.endpoint],
        entry_tilt=entered,
        endpoint_driver=driver,
        endpoint_correlation=same_visit_correlation(driver, values["share"], values["decay"]),
        **values,
    )
    at = cell_moments(layout, history, pt.zeros(layout.months.size))
    return Known(layout, read_tables(evidence, layout, read_events(evidence)), at, history)
