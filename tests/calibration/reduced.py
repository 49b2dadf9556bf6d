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
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit, logsumexp

from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.ages import arms_of_unknown_age
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import REFERENCE_AGE, Evidence
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.fit import CompiledModel
from phase2sim.prior.models.joint import joint_model
from phase2sim.prior.models.unknowns.natural_history import WALKED, between_walked
from phase2sim.prior.models.unknowns.settings import LOGIT_SHARE_SCALE, SAMPLER
from phase2sim.prior.replicates.parameters import Parameters
from phase2sim.prior.replicates.patients import ArmPopulation, draw_study
from phase2sim.prior.replicates.summaries import summary_visits

type Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[2]
WALK = len(WALKED)
SEED = 20261124
BETWEEN_STUDIES = ("level_sd", "slope_sd", "diagnosis_sd", "spread_sd", "share_sd")
SHARES = ("patient_share", "decay")
MONTHS = (3.0, 6.0)
TOLERANCE = {"median": 0.1, "count": 0.25}  # %, patients: a median's own SD is about 0.7
PARTICLES = 4000  # of each of two chains
HISTORIES, REPORTS = 5, 200  # simulated at every step: natural histories, and reports of each


@dataclass(frozen=True)
class Compared:
    """Mean and SD of the effect at one month by both fits."""

    month: float
    likelihood: tuple[float, float]
    simulation: tuple[float, float]

    @property
    def means_apart(self) -> float:
        """Distance of the means, in SDs of the likelihood's posterior."""
        return (self.simulation[0] - self.likelihood[0]) / self.likelihood[1]

    @property
    def ratio_of_sds(self) -> float:
        """SD by simulation over SD by likelihood."""
        return self.simulation[1] / self.likelihood[1]


def cross_check() -> list[Compared]:
    """Fit twice and compare."""
    held = held_history()
    draws = by_likelihood(held), by_simulation(held)
    assumed = only_hba1c("gxipc1").effects["hba1c"]
    shape = SHAPES[assumed.shape](**assumed.shape_options)
    share = shape.at(np.array(MONTHS)) / shape.at(np.array([assumed.month]))
    return [
        Compared(month, *((float(part * d.mean()), float(part * d.std())) for d in draws))
        for month, part in zip(MONTHS, share, strict=True)
    ]


@dataclass(frozen=True)
class Held:
    """Normal distribution of natural history: curve, log SDs, ``BETWEEN_STUDIES``, ``SHARES``.

    SDs are logs, shares are logits.
    """

    mean: Floats  # (unknown,)
    covariance: Floats  # (unknown, unknown)

    @property
    def factor(self) -> Floats:
        """Lower Cholesky factor of the covariance."""
        return np.linalg.cholesky(self.covariance)


def only_hba1c(name: str) -> Evidence:
    """What a shipped evidence file says of HbA1c alone.

    Unknown ages are held at the reference, and times of entry that a fit would learn at their
    window, evenly: neither is part of what is compared.
    """
    shipped = load_evidence([ROOT / "priors" / f"{name}.toml"])
    own = tuple(
        entry
        for entry in shipped.reported
        if entry.endpoint == "hba1c" and not entry.with_endpoint and not entry.unused
    )
    effects = {key: of for key, of in shipped.effects.items() if key == "hba1c"}
    unknown = tuple(arms_of_unknown_age(shipped))
    arms = tuple(
        replace(
            arm,
            age_years=REFERENCE_AGE if arm in unknown else arm.age_years,
            months_since_diagnosis=arm.months_since_diagnosis._replace(learned=False),
        )
        for arm in shipped.arms
    )
    return replace(shipped, reported=own, effects=effects, arms=arms)


def held_history() -> Held:
    """Normal approximation of the posterior of control arms' HbA1c."""
    evidence = only_hba1c("t1d-natural-history")
    posterior = CompiledModel.of(evidence).sample(evidence, SEED)["posterior"].to_dataset()

    def flat(name: str) -> Floats:
        values = posterior[name].values
        return values.reshape(values.shape[0] * values.shape[1], -1)

    def walked(name: str) -> Floats:
        return posterior[name].values[..., 0, WALKED].reshape(-1, WALK)

    logs = [np.log(walked("sd")), *(np.log(flat(name)) for name in BETWEEN_STUDIES)]
    logits = [logit(flat(name)) for name in SHARES]
    unknown = np.hstack([walked("history"), *logs, *logits])
    return Held(unknown.mean(axis=0), np.cov(unknown.T))


def by_likelihood(held: Held) -> Floats:
    """Draws (draw,) of the effect by NUTS, the model's prior of natural history exchanged."""
    prior = PRIORS["hba1c"]
    of_means = (prior.level_scale, prior.slope_scale, prior.diagnosis_scale)
    scales = (*of_means, prior.spread_scale, LOGIT_SHARE_SCALE)
    with joint_model(only_hba1c("gxipc1")) as model:
        taus = [model[name][0] for name in BETWEEN_STUDIES]
        shares = [model[name][0] for name in SHARES]
        ends = [*map(pt.log, taus), *(pt.log(x / (1.0 - x)) for x in shares)]
        curves = [model["history"][0][WALKED], pt.log(model["sd"][0][WALKED])]
        unknown = pt.concatenate([*curves, pt.stack(ends)])
        jacobian = sum(map(pt.log, taus)) + sum(pt.log(x * (1.0 - x)) for x in shares)
        own = [
            pm.logp(pm.Normal.dist(), model["mean_raw"]).sum(),
            pm.logp(pm.Normal.dist(), model["log_sd_raw"]).sum(),
            *(pm.logp(pm.HalfNormal.dist(of), tau) for of, tau in zip(scales, taus, strict=True)),
            pm.logp(pm.Beta.dist(*prior.share), shares[0]),
            pm.logp(pm.Beta.dist(*prior.decay), shares[1]),
        ]
        instead = pm.logp(pm.MvNormal.dist(held.mean, chol=held.factor), unknown)
        pm.Potential("held", instead - jacobian - sum(own))
    compiled = nutpie.compile_pymc_model(model)
    trace = nutpie.sample(
        compiled,
        draws=SAMPLER.draws,
        tune=SAMPLER.tune,
        chains=SAMPLER.chains,
        target_accept=SAMPLER.target_accept,
        adaptation=SAMPLER.adaptation,
        seed=SEED,
        progress_bar=False,
    )
    return _effect(trace)


def by_simulation(held: Held) -> Floats:
    """Draws (draw,) of the effect by simulated reports that come near the real one.

    Natural history, study and patients are drawn anew at every step and averaged over.
    """
    evidence = only_hba1c("gxipc1")
    reported, assumed = evidence.reported, evidence.effects["hba1c"]

    def reports(rng: np.random.Generator, effect: Floats, bias: Floats, size: object) -> Floats:
        del size
        sizes = float(np.ravel(effect)[0]), float(np.ravel(bias)[0])  # PyMC repeats them
        unknown = held.mean + rng.standard_normal((HISTORIES, len(held.mean))) @ held.factor.T
        truths = [_parameters(of, *sizes) for of in unknown]
        return np.concatenate([_reports(evidence, truth, rng).ravel() for truth in truths])

    def closeness(tolerance: Floats, real: Floats, simulated: Floats) -> Floats:
        distance = ((real - simulated).reshape(-1, len(reported)) / tolerance) ** 2
        return np.asarray(logsumexp(-distance.sum(axis=1) / 2.0))

    real = np.tile([entry.value for entry in reported], HISTORIES * REPORTS)
    with pm.Model():
        effect = pm.Normal("effect", assumed.before.mean, assumed.before.sd)
        bias = pm.Normal("bias", 0.0, assumed.bias_sd)
        pm.Simulator(
            "reports",
            reports,
            effect,
            bias,
            shape=real.shape,
            distance=closeness,
            epsilon=np.array([TOLERANCE[entry.statistic] for entry in reported]),
            observed=real,
        )
        trace = pm.sample_smc(
            PARTICLES,
            chains=2,
            cores=1,
            random_seed=SEED,
            progressbar=False,
            compute_convergence_checks=False,
        )
    return _effect(trace)


def _effect(trace: xr.DataTree) -> Floats:
    return np.asarray(trace["posterior"]["effect"].values, dtype=np.float64).ravel()


def _reports(evidence: Evidence, truth: Parameters, rng: np.random.Generator) -> Floats:
    """Reports (report, number) of one study, each of its own patients."""
    (arm,) = evidence.arms
    visits = tuple(
        sorted({visit for entry in evidence.reported for visit in summary_visits(entry)})
    )
    population = ArmPopulation(evidence, arm, visits, truth, draw_study(truth, rng))
    value = population.draw(REPORTS * arm.patients, rng).reshape(REPORTS, arm.patients, -1)
    numbers = []
    for entry in evidence.reported:
        first, *later = (value[:, :, visits.index(visit)] for visit in summary_visits(entry))
        if entry.statistic == "median":
            numbers.append(np.median(first, axis=1))
        else:
            below = later[0] < first if later else first < entry.threshold
            numbers.append(below.sum(axis=1))
    return np.column_stack(numbers)


def _parameters(unknown: Floats, effect: float, bias: float) -> Parameters:
    at_knots = between_walked(PRIORS["hba1c"].first_month)
    history, log_sd = at_knots @ unknown[:WALK], at_knots @ unknown[WALK : 2 * WALK]
    level, slope, first, spread, share_sd = np.exp(unknown[2 * WALK : 2 * WALK + 5])
    share, decay = expit(unknown[2 * WALK + 5 :])
    one = np.ones(1)
    return Parameters(
        endpoints=("hba1c",),
        knots_months=KNOTS_MONTHS,
        history=history[None],
        sd=np.exp(log_sd)[None],
        level_sd=level * one,
        slope_sd=slope * one,
        diagnosis_sd=first * one,
        spread_sd=spread * one,
        share_sd=share_sd * one,
        patient_share=share * one,
        decay=decay * one,
        endpoint_correlation=np.eye(1),
        effect=effect * one,
        bias=bias * one,
        class_mean=0.0 * one,
        class_sd=0.0 * one,
        age_slope=0.0 * one,
        entry_tilt=np.zeros(0),
        event_outcomes=(),
        event_rate=np.zeros((0, 2)),
        event_dispersion=np.zeros(0),
        event_study_sd=0.0,
    )
