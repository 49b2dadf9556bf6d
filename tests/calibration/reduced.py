"""GXIPC1's HbA1c summaries on a natural history held at a normal distribution, fitted twice.

Once by NUTS on the likelihood of the summaries, once by sequential Monte Carlo on simulated
patients, which knows no likelihood (approximate Bayesian computation).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from scipy.special import expit, logit, logsumexp

from phase2sim.evidence import load_evidence
from phase2sim.knowledge import Evidence
from phase2sim.models.fit import Compiled
from phase2sim.models.joint import joint_model
from phase2sim.models.settings import PRIORS
from phase2sim.models.summaries import KNOTS_MONTHS
from phase2sim.replicas.parameters import Parameters
from phase2sim.replicas.patients import Population, draw_study
from phase2sim.replicas.summaries import visits_of

type Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[2]
KNOTS = KNOTS_MONTHS.size
SEED = 20261124
TOLERANCE = {"median": 0.1, "count": 0.25}  # %, patients: a median's own SD is about 0.7
PARTICLES = 2000
HISTORIES, REPORTS = 5, 200  # simulated at every step: natural histories, and reports of each


@dataclass(frozen=True)
class Held:
    """Normal distribution of natural history: curve, log SDs, log taus, logits of share, decay."""

    mean: Floats  # (unknown,)
    covariance: Floats  # (unknown, unknown)

    @property
    def factor(self) -> Floats:
        """Lower Cholesky factor of the covariance."""
        return np.linalg.cholesky(self.covariance)


def only_hba1c(name: str) -> Evidence:
    """What a shipped evidence file says of HbA1c alone."""
    shipped = load_evidence([ROOT / "priors" / f"{name}.toml"])
    own = tuple(
        entry
        for entry in shipped.reported
        if entry.endpoint == "hba1c" and not entry.with_endpoint and not entry.unused
    )
    effects = {key: of for key, of in shipped.effects.items() if key == "hba1c"}
    return replace(shipped, reported=own, effects=effects)


def held_history() -> Held:
    """Normal approximation of the posterior of control arms' HbA1c."""
    evidence = only_hba1c("t1d-natural-history")
    posterior = Compiled.of(evidence).sample(evidence, SEED)["posterior"].to_dataset()

    def flat(name: str) -> Floats:
        values = posterior[name].values
        return values.reshape(values.shape[0] * values.shape[1], -1)

    unknown = np.hstack(
        [flat("history"), *(np.log(flat(name)) for name in ("sd", "level_sd", "slope_sd")),
         *(logit(flat(name)) for name in ("patient_share", "decay"))]
    )
    return Held(unknown.mean(axis=0), np.cov(unknown.T))


def by_nuts(held: Held) -> Floats:
    """Draws (draw, 2) of effect and bias by the likelihood of the summaries."""
    evidence = only_hba1c("gxipc1")
    prior = PRIORS["hba1c"]
    with joint_model(evidence) as model:
        taus = [model[name][0] for name in ("level_sd", "slope_sd")]
        shares = [model[name][0] for name in ("patient_share", "decay")]
        unknown = pt.concatenate(
            [
                model["history"][0],
                pt.log(model["sd"][0]),
                pt.stack([*map(pt.log, taus), *(pt.log(x / (1.0 - x)) for x in shares)]),
            ]
        )
        jacobian = sum(map(pt.log, taus)) + sum(pt.log(x * (1.0 - x)) for x in shares)
        instead_of = [
            pm.logp(pm.Normal.dist(), model["mean_raw"]).sum(),
            pm.logp(pm.Normal.dist(), model["log_sd_raw"]).sum(),
            pm.logp(pm.HalfNormal.dist(prior.level_scale), taus[0]),
            pm.logp(pm.HalfNormal.dist(prior.slope_scale), taus[1]),
            pm.logp(pm.Beta.dist(*prior.share), shares[0]),
            pm.logp(pm.Beta.dist(*prior.decay), shares[1]),
        ]
        instead = pm.logp(pm.MvNormal.dist(held.mean, chol=held.factor), unknown)
        pm.Potential("held", instead - jacobian - sum(instead_of))
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=2000, tune=1000, chains=4, seed=SEED,
        target_accept=0.95, adaptation="low_rank", progress_bar=False, save_warmup=False,
    )  # fmt: skip
    posterior = trace["posterior"]
    return np.column_stack([posterior[name].values.ravel() for name in ("effect", "bias")])


def by_simulation(held: Held) -> Floats:
    """Draws (draw, 2) of effect and bias by patients whose report comes near the real one."""
    evidence = only_hba1c("gxipc1")
    factor = held.factor
    assumed = evidence.effects["hba1c"]
    reported = evidence.reported

    def reports(rng: np.random.Generator, effect: Floats, bias: Floats, size: object) -> Floats:
        del size
        sizes = float(np.ravel(effect)[0]), float(np.ravel(bias)[0])  # PyMC repeats them
        unknown = held.mean + rng.standard_normal((HISTORIES, len(held.mean))) @ factor.T
        truths = [_parameters(of, *sizes) for of in unknown]
        return np.concatenate([_reports(evidence, truth, rng).ravel() for truth in truths])

    def closeness(tolerance: Floats, real: Floats, simulated: Floats) -> Floats:
        distance = ((real - simulated).reshape(-1, len(reported)) / tolerance) ** 2
        return logsumexp(-distance.sum(axis=1) / 2.0)

    with pm.Model():
        effect = pm.Normal("effect", assumed.before.mean, assumed.before.sd)
        bias = pm.Normal("bias", 0.0, assumed.bias_sd)
        real = np.tile([one.value for one in reported], HISTORIES * REPORTS)
        pm.Simulator(
            "reports", reports, effect, bias, shape=real.shape, distance=closeness,
            epsilon=np.array([TOLERANCE[one.statistic] for one in reported]), observed=real,
        )  # fmt: skip
        trace = pm.sample_smc(
            PARTICLES, chains=2, cores=1, random_seed=SEED, progressbar=False,
            compute_convergence_checks=False,
        )  # fmt: skip
    posterior = trace["posterior"]
    return np.column_stack([posterior[name].values.ravel() for name in ("effect", "bias")])


def _reports(evidence: Evidence, truth: Parameters, rng: np.random.Generator) -> Floats:
    """Reports (report, number) of one study, each of its own patients."""
    (arm,) = evidence.arms
    visits = tuple(sorted({visit for entry in evidence.reported for visit in visits_of(entry)}))
    population = Population(evidence, arm, visits, truth, draw_study(truth, rng))
    value = population.draw(REPORTS * arm.patients, rng).reshape(REPORTS, arm.patients, -1)
    numbers = []
    for entry in evidence.reported:
        first, *later = (value[:, :, visits.index(visit)] for visit in visits_of(entry))
        if entry.statistic == "median":
            numbers.append(np.median(first, axis=1))
        else:
            below = later[0] < first if later else first < entry.threshold
            numbers.append(below.sum(axis=1))
    return np.column_stack(numbers)


def _parameters(unknown: Floats, effect: float, bias: float) -> Parameters:
    history, log_sd = unknown[:KNOTS], unknown[KNOTS : 2 * KNOTS]
    level, slope = np.exp(unknown[2 * KNOTS : 2 * KNOTS + 2])
    share, decay = expit(unknown[2 * KNOTS + 2 :])
    one = np.ones(1)
    return Parameters(
        endpoints=("hba1c",),
        knots_months=KNOTS_MONTHS,
        history=history[None],
        sd=np.exp(log_sd)[None],
        level_sd=level * one,
        slope_sd=slope * one,
        patient_share=share * one,
        decay=decay * one,
        endpoint_correlation=np.eye(1),
        effect=effect * one,
        bias=bias * one,
        class_mean=0.0 * one,
        class_sd=0.0 * one,
        age_slope=0.0 * one,
        event_outcomes=(),
        event_rate=np.zeros((0, 2)),
        event_dispersion=np.zeros(0),
        event_study_sd=0.0,
    )
