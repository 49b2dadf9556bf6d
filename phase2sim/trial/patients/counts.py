"""Counted events: Poisson given a patient's own rate, which varies as a gamma."""

from dataclasses import replace
from math import lgamma

import numpy as np
from numba import uint64

from phase2sim.core.arrays import Arms, Floats, Ints
from phase2sim.core.contracts import Plan, Trials, Truth
from phase2sim.core.kernels import kernel
from phase2sim.core.randomness import (
    PURPOSES,
    Word,
    fill_uniform,
    next_bits,
    seed_word,
    stream_state,
    unit,
)
from phase2sim.core.stream_places import stream_place

_COUNTS = np.uint64(PURPOSES["counts"])
_MANY = 30.0  # events expected between two visits, from which counting up from 0 takes long
_FAR = 9.0  # SDs below the mean, where fewer events are as good as impossible


def add_events(plan: Plan, truth: Truth, trials: Trials) -> Trials:
    """Add the events of every patient to complete trials, so far at each visit.

    A patient's rate is ``per_month`` times a gamma with mean 1 and variance ``dispersion``, times
    the rate ratio of the arm, times exp(``per_unit`` x (value - ``at``)) of the endpoint it is tied
    to, averaged over the two visits that an interval lies between.
    """
    counts = {}
    for number, (name, counted) in enumerate(plan.counted.items()):
        so_far = np.zeros((*trials.arm.shape[:1], len(plan.visits_months), trials.arm.shape[1]),
                          dtype=np.int64)  # fmt: skip
        tied = trials.value[:, 0]
        if counted.tied_to:
            tied = trials.value[:, plan.endpoints.index(counted.tied_to)]
        frailty = np.ones(trials.arm.shape)
        seed, first = seed_word(plan.seed), np.uint64(trials.first)
        if counted.dispersion > 0.0:
            _gammas(
                frailty, 1.0 / counted.dispersion, seed, first, np.uint64(stream_place(name, 0.0))
            )
        _add_events(
            so_far,
            frailty * counted.per_month,
            trials.arm,
            np.exp(truth.log_rate_ratio[:, number]),
            tied,
            np.array([counted.per_unit if counted.tied_to else 0.0, counted.at]),
            np.array(plan.visits_months),
            np.array([stream_place(name, month) for month in plan.visits_months], dtype=np.int64),
            seed,
            first,
        )
        counts[name] = so_far
    return replace(trials, counts=counts)


@kernel
def _gammas(out: Floats, shape: float, seed: Word, first: Word, where: Word) -> None:
    """Gammas of mean 1, one a patient: Marsaglia and Tsang, ACM TOMS 2000."""
    boosted = shape if shape >= 1.0 else shape + 1.0
    d = boosted - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    for trial in range(out.shape[0]):
        s0, s1, s2, s3 = stream_state(seed, _COUNTS, first + uint64(trial), where)
        for p in range(out.shape[1]):
            while True:
                # A normal by Box and Muller: two uniforms, so that the stream keeps its pace.
                bits, s0, s1, s2, s3 = next_bits(s0, s1, s2, s3)
                radius = np.sqrt(-2.0 * np.log1p(-unit(bits)))
                bits, s0, s1, s2, s3 = next_bits(s0, s1, s2, s3)
                x = radius * np.cos(2.0 * np.pi * unit(bits))
                v = (1.0 + c * x) ** 3
                bits, s0, s1, s2, s3 = next_bits(s0, s1, s2, s3)
                u = 1.0 - unit(bits)
                if v > 0.0 and np.log(u) < 0.5 * x * x + d * (1.0 - v + np.log(v)):
                    break
            value = d * v
            if shape < 1.0:
                bits, s0, s1, s2, s3 = next_bits(s0, s1, s2, s3)
                value *= (1.0 - unit(bits)) ** (1.0 / shape)
            out[trial, p] = value / shape


@kernel
def _add_events(
    so_far: Ints,
    rate: Floats,
    arm: Arms,
    ratio: Floats,
    tied: Floats,
    tie: Floats,
    months: Floats,
    places: Ints,
    seed: Word,
    first: Word,
) -> None:
    """Events between visits by inversion of one uniform each, from a stream of the visit's own."""
    trials, visits, patients = so_far.shape
    uniform = np.empty(patients)
    for trial in range(trials):
        for v in range(1, visits):
            fill_uniform(uniform, seed, _COUNTS, first + uint64(trial), uint64(places[v]))
            for p in range(patients):
                mean = rate[trial, p] * ratio[arm[trial, p]] * (months[v] - months[v - 1])
                if tie[0] != 0.0:
                    level = 0.5 * (tied[trial, v, p] + tied[trial, v - 1, p])
                    mean *= np.exp(tie[0] * (level - tie[1]))
                so_far[trial, v, p] = so_far[trial, v - 1, p] + _poisson(uniform[p], mean)


@kernel
def _poisson(uniform: float, mean: float) -> int:
    """Quantile of a Poisson distribution, counted up from where it begins to matter."""
    events = 0
    if mean > _MANY:
        events = max(int(mean - _FAR * np.sqrt(mean)), 0)
    chance = np.exp(events * np.log(mean) - mean - lgamma(events + 1.0)) if mean > 0.0 else 1.0
    upto = chance
    while uniform > upto and chance > 0.0:
        events += 1
        chance *= mean / events
        upto += chance
    return events
