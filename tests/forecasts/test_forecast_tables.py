"""Decisions and dates of benchmarks/forecasts fit the data that they speak of."""

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from evidence_by_date import evidence_before, latest_month, shipped_evidence
from forecast_tables import HERE, Dated, ScoredRow, dated, entry_window, read_rows, scored_rows
from plain_benchmark import on_common_scale
from simulated_reports import AGES, trial_as_evidence

from phase2sim.evidence.reported import Evidence
from phase2sim.prior.replicates.replicate import quantities

FORECAST = [row for row in scored_rows() if row.control]
CONVERTED = {"percent_change"}  # printed as a ratio or as two medians
OF_ANOTHER_NAME = {"Calcitriol Munich (Walter)"}  # the file's Calcitriol is the trial of IMDIAB


def trials() -> list[Dated]:
    return [one for one in dated() if one.kind == "trial"]


@pytest.fixture(scope="module")
def shipped() -> Evidence:
    return shipped_evidence()


def test_every_row_of_the_trials_has_a_decision() -> None:
    decided = [
        (cells["trial"], cells["endpoint"], cells["month"]) for cells in read_rows("scored.csv")
    ]

    printed = [
        (cells["trial"], cells["endpoint"], cells["month"]) for cells in read_rows("trials.csv")
    ]
    assert decided == printed


def test_a_row_that_is_not_scored_says_why() -> None:
    for row in scored_rows():
        assert row.control or row.difference or row.reason, row.row


def test_scored_controls_are_the_printed_numbers() -> None:
    printed = list(read_rows("trials.csv"))
    for row in FORECAST:
        if row.control not in CONVERTED:
            assert row.value == float(printed[row.row - 1]["control_mean"]), row.row


def test_at_least_twenty_trials_have_a_control_arm_to_score() -> None:
    assert len({row.trial for row in FORECAST}) >= 20


def test_no_control_arm_is_scored_twice_at_a_visit() -> None:
    keys = [(row.trial, row.endpoint, row.months) for row in FORECAST]

    assert len(keys) == len(set(keys))


def test_every_trial_and_study_has_a_date(shipped: Evidence) -> None:
    names = {one.name for one in trials()}

    assert {row.trial for row in scored_rows()} <= names
    for entry in shipped.reported:
        assert re.fullmatch(r"\d{4}-\d\d", latest_month(entry, dated()))


def test_the_earliest_month_is_not_after_the_latest() -> None:
    for one in dated():
        assert one.earliest <= one.latest, one.name


@pytest.mark.parametrize("trial", trials(), ids=lambda trial: trial.name)
def test_nothing_is_read_that_was_not_published_before_a_trial(
    trial: Dated, shipped: Evidence
) -> None:
    before = evidence_before(shipped, trial, dated())

    read = [entry for entry in before.evidence.reported if not entry.unused]
    assert all(latest_month(entry, dated()) < trial.earliest for entry in read)
    assert not {entry.study for entry in read} & set(trial.leaves_out)


def test_individual_values_count_from_the_publication_of_their_trial(shipped: Evidence) -> None:
    """Not from 2019, when the values of all five were published together."""
    first = {
        entry.study: latest_month(entry, dated())
        for entry in shipped.reported
        if (entry.arm, entry.endpoint) == ("under 18", "c_peptide")
    }

    assert first == {
        "AbATE": "2013-11",
        "START": "2013-12",
        "T1DAL": "2013-12",
        "MMF/DZB": "2010-04",
        "Abatacept": "2011-08",
    }


@pytest.mark.parametrize(
    ("trial", "study"),
    [
        ("AbATE", "AbATE"),
        ("T1DAL", "T1DAL"),
        ("MMF/DZB (TN02)", "MMF/DZB"),
        ("Abatacept (TN09)", "Abatacept"),
    ],
)
def test_a_trial_is_not_forecast_from_its_own_individual_values(
    trial: str, study: str, shipped: Evidence
) -> None:
    (one,) = (one for one in trials() if one.name == trial)
    later = replace(one, earliest="2027-01")

    before = evidence_before(shipped, later, dated()).evidence
    own = [entry for entry in before.reported if entry.study == study]
    assert any(entry.arm == "under 18" for entry in own)
    assert all(entry.unused for entry in own)


def test_a_trial_in_the_evidence_file_leaves_itself_out(shipped: Evidence) -> None:
    studies = {entry.study for entry in shipped.reported}
    for trial in (one for one in trials() if one.name not in OF_ANOTHER_NAME):
        assert set(trial.leaves_out) <= studies, trial.name
        first = trial.name.split()[0]
        same = {study for study in studies if study.split()[0] == first}
        assert same <= set(trial.leaves_out), trial.name


@pytest.mark.parametrize("row", FORECAST, ids=lambda row: f"{row.row} {row.trial}")
def test_the_program_reads_a_control_arm_and_its_two_spreads(row: ScoredRow) -> None:
    evidence = trial_as_evidence(row)

    reported = quantities(evidence)
    assert len(reported) % len(AGES) == 0
    assert [q.what for q in reported[: len(reported) // len(AGES)]][-2:] == [
        "SD",
        "SD given the first visit",
    ]


def test_a_window_with_a_printed_mean_is_narrowed_to_it() -> None:
    assert entry_window("0", "3", "2.5") == (2.0, 3.0)
    assert entry_window("0.5", "6.5", "2.5") == (0.5, 4.5)
    assert entry_window("", "", "") == (0.0, 3.3)


def test_changes_and_levels_come_to_the_same_scale() -> None:
    """From 0.65 to 0.39 nmol/L is a fall of 0.26, and of 40 %."""
    rows = {row.control: row for row in FORECAST if row.endpoint == "c_peptide"}

    fall = on_common_scale(np.array([-0.26]), rows["change"], on_model=False)
    percent = on_common_scale(np.array([-40.0]), rows["percent_change"], on_model=False)

    assert fall[0] == pytest.approx(np.log1p(0.39) - np.log1p(0.65))
    assert percent[0] == pytest.approx(fall[0])


def test_waiting_trials_are_six_at_least_and_say_what_is_assumed() -> None:
    waiting = tomllib.loads((HERE / "waiting.toml").read_text(encoding="utf-8"))["trial"]

    assert len({trial["name"] for trial in waiting}) >= 6
    assert all(trial["assumed"] for trial in waiting)
