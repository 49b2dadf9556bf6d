"""The one contract of every analysis: all that the program asks of it, with the usual answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import MODEL_SCALE, Estimates, Reading
from phase2sim.core.estimates import stack_estimates


class Analysis(ABC):
    """A part that turns a batch of trials into one estimate per trial.

    An analysis is a frozen dataclass with slots that inherits from this class. It has the fields
    ``endpoint`` and ``month``, declares ``reads``, ``scale`` and ``title``, and defines
    ``estimate``. All else has a default; declare it as a class variable where it differs, or as a
    field (with a default) where the scenario is to choose it.
    """

    __slots__ = ()

    # What kind of outcome it analyses: "continuous", "binary" or "count".
    reads: ClassVar[str]
    # Scale of its effect: ``MODEL_SCALE``, on which the simulation states effects, or a name.
    scale: ClassVar[str]
    # Name of the method, as a report prints it.
    title: ClassVar[str]

    # Name of the endpoint it analyses.
    endpoint: str
    # Visit it analyses, months since randomisation.
    month: float
    # Effect that benefit must exceed, on ``scale``.
    null_effect: float = 0.0
    # What it adjusts for: "baseline", "age", "stratum".
    covariates: tuple[str, ...] = ()
    # Further columns of a data file that it adjusts for, each as a factor, such as a site.
    factors: tuple[str, ...] = ()
    # Whether it analyses the value at ``month`` or its change from baseline.
    of: Literal["value", "change"] = "value"
    # First visit, in months, of those whose effects it averages; None: it analyses one visit.
    averaged_from: float | None = None
    # Columns that it cannot do without, whatever its options: "age", "stratum".
    needs: ClassVar[tuple[str, ...]] = ()

    # Whether an interim look also gives it the patients who have not yet had the analysed visit.
    uses_pipeline_patients: ClassVar[bool] = False
    # Whether it draws random numbers, from a stream per trial, for patients in their order.
    draws: ClassVar[bool] = False
    # Whether its p is a posterior probability that already includes a prior.
    is_bayesian: ClassVar[bool] = False
    # Whether it compares ranks: it can rank an event last, and its effect is not one of means.
    by_ranks: ClassVar[bool] = False
    # Whether it depends on nothing but the numbers of responders and of patients in each arm.
    by_responder_counts: ClassVar[bool] = False
    # Whether ``estimate_first`` passes over the patients once for all sizes; it then reads no visit
    # but the baseline and its own.
    in_one_pass: ClassVar[bool] = False
    # Whether the variance of all analysed values, given the baseline if that is a covariate, may
    # re-estimate its sample size without unblinding.
    allows_blinded_variance: ClassVar[bool] = False
    # Name of its power formula in ``operating.closed_form``; None: there is none.
    closed_form: ClassVar[str | None] = None

    # What the contract tests hold it to.
    # Whether a trial fails in which all outcomes are alike.
    needs_variation: ClassVar[bool] = True
    # Whether a trial fails in which only one patient of each arm has an outcome.
    needs_replicates: ClassVar[bool] = True
    # Whether the effect follows when outcome and baseline change their origin and unit, with p as
    # before.
    is_equivariant: ClassVar[bool] = True

    @property
    def robust_standard_error(self) -> bool:
        """Whether the standard error is a sandwich estimate, not that of the model."""
        return False

    @property
    def compares_means(self) -> bool:
        """Whether its effect compares the arms' means of ``individual_outcomes``.

        Events are compared by the logarithm of the ratio, all else by the difference.
        """
        return self.reads != "continuous" or (self.scale == MODEL_SCALE and not self.by_ranks)

    def individual_outcomes(self, reading: Reading) -> Floats:
        """Outcome of each patient whose mean it compares between arms, (trial, patient).

        Parameters
        ----------
        reading : Reading
            Outcomes of the analysed endpoint in every trial of the batch.

        Returns
        -------
        ndarray of float, (trial, patient)
            Outcome at ``month``, or mean from ``averaged_from`` to ``month``; nan where a visit was
            missed.
        """
        first = self.month if self.averaged_from is None else self.averaged_from
        visits = [v for v, m in enumerate(reading.visits_months) if first <= m <= self.month]
        average: Floats = reading.value[:, visits].mean(axis=1)
        return average

    @property
    def reads_baseline(self) -> bool:
        """Whether it cannot do without the patients' baselines."""
        return "baseline" in self.covariates or self.of == "change"

    def left_out(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients whom it leaves out, by reason.

        Parameters
        ----------
        reading : Reading
            Outcomes of the analysed endpoint in every trial of the batch.

        Returns
        -------
        mapping of str to ndarray of bool, (trial, patient)
            Reason -> whether it holds for a patient. An analysis uses the patients for whom none
            holds; without an override those with a value at ``month`` and all covariates.
        """
        value = reading.value[:, reading.visits_months.index(self.month)]
        return {f"no value at month {self.month:g}": np.isnan(value), **self.without(reading)}

    def shortage(self, reading: Reading) -> str:  # noqa: ARG002 - overridden
        """Where one trial has too few patients for it, in words; empty if there is nothing to say.

        Parameters
        ----------
        reading : Reading
            Outcomes of the analysed endpoint in one trial.

        Returns
        -------
        str
            What explains a failed fit, or one that was made again with a simpler model.
        """
        return ""

    def without(self, reading: Reading) -> Mapping[str, Bools]:
        """Patients without a baseline or an age that it reads, (trial, patient), by reason.

        Parameters
        ----------
        reading : Reading
            Baselines and ages in every trial of the batch.

        Returns
        -------
        mapping of str to ndarray of bool, (trial, patient)
            Reason -> whether it holds for a patient.
        """
        read = {
            "no baseline": (self.reads_baseline, reading.baseline),
            "no age": ("age" in {*self.covariates, *self.needs}, reading.age_years),
        }
        return {reason: np.isnan(values) for reason, (is_read, values) in read.items() if is_read}

    @abstractmethod
    def estimate(self, reading: Reading) -> Estimates:
        """Estimate the effect in every trial of a batch.

        Parameters
        ----------
        reading : Reading
            Outcomes of the analysed endpoint in every trial of the batch.

        Returns
        -------
        Estimates
            Effect, standard error, degrees of freedom and p, (trial,); nan where the analysis
            failed.
        """

    def estimate_first(self, reading: Reading, sizes: tuple[int, ...]) -> Estimates:
        """Estimate the effect from the first n patients, (size, trial), for each n of ``sizes``.

        Parameters
        ----------
        reading : Reading
            Outcomes of the analysed endpoint in every trial of the batch.
        sizes : tuple of int, (size,)
            Numbers of patients, rising, up to those of the reading.

        Returns
        -------
        Estimates
            Estimates of each size, (size, trial).
        """
        return stack_estimates([self.estimate(reading.of_first(n)) for n in sizes])
