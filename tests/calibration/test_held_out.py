"""A study left out: its numbers are unread, what was simulated is kept, and the page adds up."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration.held_out_page import ALL, kind_of, page
from calibration.left_out import (
    LeftOut,
    kept_file,
    known_endpoints,
    leave_out,
    own_report,
    studies_of,
    without,
)
from scipy import stats
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import Evidence, Normal

ROUNDING = 0.011  # of scores and SDs that are printed with two digits


def two_studies() -> Evidence:
    return evidence(
        entry("mean", value=7.5, sd=1.2),
        entry("quartiles", value=np.nan, bounds=(6.5, 8.1)),
        entry("mean", study="B", value=8.0),
        entry("correlation", with_endpoint="insulin", elicited=Normal(0.2, 0.1), value=np.nan),
        entry("mean", study="C", endpoint="insulin", value=0.5),
        arms=(arm(), arm(study="B"), arm(study="C")),
    )


def test_studies_without_others_of_their_endpoint_are_not_predicted() -> None:
    assert studies_of(two_studies()) == ["A", "B"]


def test_the_numbers_of_a_study_are_unread_but_not_what_is_elicited() -> None:
    rest = without(two_studies(), "A")

    assert [bool(e.unused) for e in rest.reported] == [True, True, False, False, False]


def test_a_report_has_no_endpoint_that_the_others_know_nothing_of() -> None:
    known = known_endpoints(two_studies(), "C")

    assert known == ["hba1c"]
    assert own_report(two_studies(), "C", known).reported == ()


def test_what_was_kept_is_read_with_the_distance_of_quartiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    found = {"endpoints": ["hba1c"], "simulated": [[7.0, 1.0, 6.0, 8.0], [8.0, 1.4, 7.0, 10.0]]}
    path = kept_file(two_studies(), "A")
    path.parent.mkdir()
    path.write_text(json.dumps(found))

    mean, sd, width = leave_out(two_studies(), "A", lambda: pytest.fail("compiled again"))

    assert [one.what for one in (mean, sd, width)] == ["mean", "SD", "quartile width"]
    assert width.reported == pytest.approx(1.6)
    assert width.simulated.tolist() == [2.0, 3.0]
    assert kind_of(sd) == kind_of(width) != kind_of(mean)


def test_kept_files_follow_numbers_but_not_notes() -> None:
    first, *others = two_studies().reported
    noted = replace(two_studies(), reported=(replace(first, note="read again"), *others))
    corrected = replace(two_studies(), reported=(replace(first, value=7.6), *others))

    kept = kept_file(two_studies(), "B")

    assert kept_file(noted, "B") == kept
    assert kept_file(corrected, "B") != kept
    assert kept_file(two_studies(), "A") != kept


def test_summaries_of_the_page_follow_from_its_rows() -> None:
    rng = np.random.default_rng(1)
    numbers = {
        study: [
            LeftOut(of, of.statistic, rng.normal(of.value), rng.normal(of.value, size=500))
            for of in two_studies().reported
            if of.study == study and of.statistic == "mean"
        ]
        for study in ("A", "B", "C")
    }

    text = page(two_studies(), numbers, "none")

    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    z = np.array([float(row[-1]) for row in rows if re.fullmatch(r"[+-]\d\.\d\d", row[-1])])
    (summary,) = (row for row in rows if row[0] == ALL)
    found = [float(cell.split()[0]) for cell in summary[1:]]
    count, _, mean, about_zero, half, most = found[:6]
    assert count == z.size == 3
    assert mean == pytest.approx(z.mean(), abs=ROUNDING)
    assert about_zero == pytest.approx(np.sqrt(np.mean(z**2)), abs=ROUNDING)
    assert half == round(100 * np.mean(np.abs(z) <= stats.norm.ppf(0.75)))
    assert most == round(100 * np.mean(np.abs(z) <= stats.norm.ppf(0.975)))
    assert found[6:] == [about_zero, half, most]  # one number a study: none before it
