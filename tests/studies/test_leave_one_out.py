"""Draws reweighted to leave a number out agree with a fit that never saw it."""

import numpy as np
import pytest
from support.agreement import assert_agrees

from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.fit import sample_posterior
from phase2sim.prior.reweighting import mean_and_sd, reweight_mean
from phase2sim.studies.influence import LARGEST_K, leave_entry_out, leave_one_out_weights

FILE = """
[[study]]
name = "Controls"
design = "control-arm"
patients = 60
months_since_diagnosis = [6, 6]
source = "made up for a test"

[[study]]
name = "Phase 1"
design = "single-arm"
patients = 10
months_since_diagnosis = [6, 6]
source = "made up for a test"

[[reported]]
study = "Controls"
endpoint = "hba1c"
month = 0
mean = 7.5
sd = 1.3
unit = "%"

[[reported]]
study = "Controls"
endpoint = "hba1c"
month = 3
mean = 7.6
sd = 1.3
unit = "%"

[[reported]]
study = "Controls"
endpoint = "hba1c"
month = 6
mean = 7.8
sd = 1.3
unit = "%"

[[reported]]
study = "Phase 1"
endpoint = "hba1c"
month = 3
median = 7.2
unit = "%"

[[reported]]
study = "Phase 1"
endpoint = "hba1c"
month = 6
median = 7.9
unit = "%"

[[reported]]
study = "Phase 1"
endpoint = "hba1c"
month = 6
count = 2
of = 10
below_baseline = true

[effect.hba1c]
month = 6
shape = "immediate"
sceptical_sd = 0.5
bias_sd = 0.1
why = "made up for a test"
"""
ENTRIES = {3: "median at month 3", 5: "count below baseline"}


def silent(line: str) -> None:
    del line


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    path = tmp_path_factory.mktemp("evidence") / "small.toml"
    path.write_text(FILE)
    return load_evidence([path])


@pytest.fixture(scope="module")
def prior(evidence: Evidence) -> PriorDraws:
    return sample_posterior(evidence, 1, silent)


@pytest.mark.parametrize("index", ENTRIES, ids=ENTRIES.get)
def test_reweighting_agrees_with_a_fit_without_the_number(
    evidence: Evidence, prior: PriorDraws, index: int
) -> None:
    weighted = leave_one_out_weights(evidence, prior)
    refit = sample_posterior(leave_entry_out(evidence, weighted.entries[index]), 2, silent)

    reweighted = reweight_mean(prior.effect[:, 0], weighted.weights[:, index])
    refitted = mean_and_sd(refit.effect[:, 0])

    # Estimated from 4,000 draws k has an SD of 0.1: 0.6 may look like more than ``LARGEST_K``.
    assert weighted.pareto_k[index] < LARGEST_K + 0.3
    # Not the SDs: from k = 0.5 on the variance of a reweighted square is infinite, so that its
    # standard error says nothing. ``test_moved`` holds them against a closed form.
    assert_agrees(
        reweighted[0].value, refitted[0].value, np.hypot(reweighted[0].mcse, refitted[0].mcse)
    )
    assert (
        abs(reweighted[0].difference) > 4 * reweighted[0].difference_mcse
    )  # the number did say something
