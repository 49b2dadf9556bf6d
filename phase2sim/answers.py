"""What every analysis says of consecutive trials: of one number of patients, or of several."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from phase2sim.contracts import Estimates, Floats
from phase2sim.estimates import each
from phase2sim.estimates import joined as joined_estimates
from phase2sim.interim.look import Look


@dataclass(frozen=True, slots=True)
class Answers:
    """What consecutive trials came to under one truth, from the first on.

    With several numbers of patients estimates and ``missing`` have an axis (size,) before others.
    """

    first: int
    estimates: tuple[Estimates, ...]  # one an analysis
    true_effect: Floats  # (analysis, trial); nan where nobody knows it
    missing: Floats  # (analysis, trial): share of patients without the value it analyses
    looks: tuple[Look, ...] = ()  # the final analysis last, which the above are of

    @property
    def last(self) -> int:
        """One beyond the last trial."""
        return self.first + int(self.missing.shape[-1])

    def of_size(self, size: int) -> "Answers":
        """Of several numbers of patients the one at a place."""
        one = itemgetter(size)
        estimates = tuple(each(estimates, one) for estimates in self.estimates)
        return replace(self, estimates=estimates, missing=self.missing[size])


def joined(parts: Sequence[Answers]) -> Answers:
    """Return consecutive stretches of trials as one."""
    if len(parts) == 1:
        return parts[0]
    return Answers(
        first=parts[0].first,
        estimates=_joined([part.estimates for part in parts]),
        true_effect=np.concatenate([part.true_effect for part in parts], axis=-1),
        missing=np.concatenate([part.missing for part in parts], axis=-1),
        looks=tuple(map(_joined_look, zip(*(part.looks for part in parts), strict=True))),
    )


def cut(answers: Answers, first: int, last: int) -> Answers:
    """Return the trials from ``first`` up to ``last``, which ``answers`` holds."""
    if (first, last) == (answers.first, answers.last):
        return answers
    trials = slice(first - answers.first, last - answers.first)
    return Answers(
        first=first,
        estimates=_part(answers.estimates, trials),
        true_effect=answers.true_effect[:, trials],
        missing=answers.missing[:, trials],
        looks=tuple(_part_of_look(look, trials) for look in answers.looks),
    )


def _joined_look(parts: tuple[Look, ...]) -> Look:
    """Consecutive stretches of trials at one look as one."""
    return Look(
        estimates=_joined([part.estimates for part in parts]),
        missing=np.concatenate([part.missing for part in parts], axis=1),
        due=np.concatenate([part.due for part in parts], axis=1),
        enrolled=np.concatenate([part.enrolled for part in parts]),
        months=np.concatenate([part.months for part in parts]),
        overrun_p=np.concatenate([part.overrun_p for part in parts], axis=1),
    )


def _part_of_look(look: Look, trials: slice) -> Look:
    return Look(
        estimates=_part(look.estimates, trials),
        missing=look.missing[:, trials],
        due=look.due[:, trials],
        enrolled=look.enrolled[trials],
        months=look.months[trials],
        overrun_p=look.overrun_p[:, trials],
    )


def _joined(parts: Sequence[tuple[Estimates, ...]]) -> tuple[Estimates, ...]:
    """Estimates of every analysis, from those of each stretch."""
    return tuple(joined_estimates(of_one) for of_one in zip(*parts, strict=True))


def _part(estimates: tuple[Estimates, ...], trials: slice) -> tuple[Estimates, ...]:
    return tuple(each(one, itemgetter(trials)) for one in estimates)
