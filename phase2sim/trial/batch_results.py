"""What every analysis says of consecutive trials: of one number of patients, or of several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Estimates
from phase2sim.core.estimates import concatenate_estimates as joined_estimates
from phase2sim.core.estimates import map_estimates
from phase2sim.trial.interim.look import ArmsSeen, Look
from phase2sim.trial.safety.monitoring import HarmMonitoring

type _Put = Callable[[list[NDArray[Any]]], NDArray[Any]]

_JOINED: _Put = partial(np.concatenate, axis=-1)


@dataclass(frozen=True, slots=True)
class BatchResults:
    """What consecutive trials came to under one truth, from the first on.

    With several numbers of patients estimates, ``missing`` and ``watched`` have an axis (size,)
    before others.
    """

    first: int
    estimates: tuple[Estimates, ...]  # one an analysis
    true_effect: Floats  # (analysis, trial); nan where nobody knows it
    missing: Floats  # (analysis, trial): share of patients without the value it analyses
    looks: tuple[Look, ...] = ()  # the final analysis last, which the above are of
    watched: HarmMonitoring | None = None  # where there is a safety rule

    @property
    def last(self) -> int:
        """One beyond the last trial."""
        return self.first + int(self.missing.shape[-1])

    def of_size(self, size: int) -> "BatchResults":
        """Of several numbers of patients the one at a place."""
        at_size = itemgetter(size)
        estimates = tuple(map_estimates(estimates, at_size) for estimates in self.estimates)
        watched = watched_together([self.watched], lambda arrays: arrays[0][size])
        return replace(self, estimates=estimates, missing=self.missing[size], watched=watched)


def concatenate_batches(parts: Sequence[BatchResults]) -> BatchResults:
    """Return consecutive stretches of trials as one."""
    if len(parts) == 1:
        return parts[0]
    return BatchResults(
        first=parts[0].first,
        estimates=_joined([part.estimates for part in parts]),
        true_effect=np.concatenate([part.true_effect for part in parts], axis=-1),
        missing=np.concatenate([part.missing for part in parts], axis=-1),
        looks=tuple(map(_joined_look, zip(*(part.looks for part in parts), strict=True))),
        watched=watched_together([part.watched for part in parts], _JOINED),
    )


def cut(answers: BatchResults, first: int, last: int) -> BatchResults:
    """Return the trials from ``first`` up to ``last``, which ``answers`` holds."""
    if (first, last) == (answers.first, answers.last):
        return answers
    trials = slice(first - answers.first, last - answers.first)
    return BatchResults(
        first=first,
        estimates=_part(answers.estimates, trials),
        true_effect=answers.true_effect[:, trials],
        missing=answers.missing[:, trials],
        looks=tuple(_part_of_look(look, trials) for look in answers.looks),
        watched=watched_together([answers.watched], lambda arrays: arrays[0][..., trials]),
    )


def watched_together(parts: Sequence[HarmMonitoring | None], put: _Put) -> HarmMonitoring | None:
    """Put each array together with those of its name; None where nothing was watched."""
    monitored = [part for part in parts if part is not None]
    if not monitored:
        return None
    names = [field.name for field in fields(HarmMonitoring)]
    return HarmMonitoring(*(put([getattr(part, name) for part in monitored]) for name in names))


def _joined_look(parts: tuple[Look, ...]) -> Look:
    """Consecutive stretches of trials at one look as one."""
    return Look(
        estimates=_joined([part.estimates for part in parts]),
        missing=np.concatenate([part.missing for part in parts], axis=1),
        due=np.concatenate([part.due for part in parts], axis=1),
        enrolled=np.concatenate([part.enrolled for part in parts]),
        months=np.concatenate([part.months for part in parts]),
        overrun_p=np.concatenate([part.overrun_p for part in parts], axis=1),
        arms=_joined_arms([part.arms for part in parts if part.arms is not None]),
    )


def _joined_arms(parts: list[ArmsSeen]) -> ArmsSeen | None:
    """Consecutive stretches of trials as one; None where no arm is dropped."""
    if not parts:
        return None
    names = [field.name for field in fields(ArmsSeen)]
    return ArmsSeen(*(_JOINED([getattr(arms, name) for arms in parts]) for name in names))


def _part_of_look(look: Look, trials: slice) -> Look:
    return Look(
        estimates=_part(look.estimates, trials),
        missing=look.missing[:, trials],
        due=look.due[:, trials],
        enrolled=look.enrolled[trials],
        months=look.months[trials],
        overrun_p=look.overrun_p[:, trials],
        arms=None if look.arms is None else _part_of_arms(look.arms, trials),
    )


def _part_of_arms(arms: ArmsSeen, trials: slice) -> ArmsSeen:
    return ArmsSeen(*(getattr(arms, field.name)[..., trials] for field in fields(ArmsSeen)))


def _joined(parts: Sequence[tuple[Estimates, ...]]) -> tuple[Estimates, ...]:
    """Estimates of every analysis, from those of each stretch."""
    return tuple(joined_estimates(of_one) for of_one in zip(*parts, strict=True))


def _part(estimates: tuple[Estimates, ...], trials: slice) -> tuple[Estimates, ...]:
    return tuple(map_estimates(analysis, itemgetter(trials)) for analysis in estimates)
