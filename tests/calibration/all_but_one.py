"""One compiled model of all studies, that can be sampled without any one of them.

Compiling takes half of the time of a fit. Here each study's likelihood is switched on or off by
data, so that a model is compiled once for all studies.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from phase2sim.core.history_priors import PRIORS
from phase2sim.core.kernels import lightly_optimised
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.order_statistics import LOG_ROOT_TWO_PI
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt, shared
from phase2sim.prior.models.densities.summary_densities import correlated_normal
from phase2sim.prior.models.joint import Densities, Tables, declare, read_tables
from phase2sim.prior.models.likelihoods.events import read_events
from phase2sim.prior.models.unknowns.evidence_arrays import cells, read_entries
from phase2sim.prior.models.unknowns.settings import Sampler

type Floats = NDArray[np.float64]

READ = "read"  # (entry,) 1 for an entry that is read, 0 for one that is left out


@dataclass(frozen=True)
class AllButOne:
    """A compiled model of all entries, of which some can be left out."""

    model: Any  # compiled by nutpie
    entries: tuple[ReportedNumber, ...]

    @classmethod
    def of(cls, evidence: Evidence, **priors: Any) -> "AllButOne":  # noqa: ANN401 - of ``declare``
        """Compile the model; ``priors`` are those of ``declare``."""
        model, _ = switched_model(evidence, **priors)
        with lightly_optimised():
            compiled = nutpie.compile_pymc_model(model)
        return cls(compiled, read_entries(evidence))

    def sample(
        self, left_out: Callable[[ReportedNumber], bool], seed: int, sampler: Sampler
    ) -> xr.DataTree:
        """Sample the posterior of all entries but those for which ``left_out`` is true."""
        read = np.array([float(not left_out(entry)) for entry in self.entries])
        with threadpool_limits(limits=1):
            return nutpie.sample(
                self.model.with_data(**{READ: read}),
                draws=sampler.draws,
                tune=sampler.tune,
                chains=sampler.chains,
                seed=seed,
                target_accept=sampler.target_accept,
                adaptation=sampler.adaptation,
                progress_bar=False,
            )


def switched_model(evidence: Evidence, **priors: Any) -> tuple[pm.Model, Any]:  # noqa: ANN401
    """The joint model, and the shared vector (entry,) that says which entries are read.

    Entries that share patients or a study must be left out together: what is left is then the
    likelihood of the others, up to a constant.
    """
    layout = cells(evidence)
    entries = read_entries(evidence)
    tables = read_tables(evidence, layout, read_events(evidence))
    with pm.Model() as model:
        densities = declare(evidence, layout, **{"priors": PRIORS, **priors})
        read = shared(np.ones(len(entries)), name=READ, shape=(len(entries),))
        for name, density in _switched(densities, tables, read).items():
            pm.Potential(name, density)
    return model, read


def _switched(densities: Densities, tables: Tables, read: Tensor) -> dict[str, Tensor]:
    terms = {
        name: pt.sum(read[_first_entries(getattr(tables, name))] * density)
        for name, density in densities.rows.items()
    }
    joint = densities.locations
    if joint is not None:
        of = read[tables.locations.entry]
        terms["locations"] = _normal(tables.locations.value - joint.expected, joint.covariance, of)
    spread = densities.spread
    if spread is not None:
        of = read[tables.spreads.entry]
        terms["spreads"] = pt.sum(of * spread.apart) + _normal(spread.score, spread.correlation, of)
    return terms


def _normal(residual: Tensor, covariance: Tensor, read: Tensor) -> Tensor:
    """Log density of the residuals that are read; the others are independent of them."""
    both = read[:, None] * read
    density, *_ = correlated_normal(read * residual, both * covariance + pt.diag(1.0 - read))
    return density + LOG_ROOT_TWO_PI * pt.sum(1.0 - read)


def _first_entries(table: Any) -> list[int]:  # noqa: ANN401 - any of the tables
    """Index of the entry of each row, or of the first of those that a row reads."""
    entries = getattr(table, fields(table)[0].name)
    return [int(np.atleast_1d(entry)[0]) for entry in entries]
