"""The beta-binomial safety boundary against exact values from R."""

import re
from collections import defaultdict

import numpy as np
import pytest
from support.readings import rows_of

from phase2sim.trial.safety.boundaries import (
    chance_of_stopping,
    events_that_stop,
    expected_patients,
    posterior_excess,
)


def cases() -> dict[str, list[dict[str, str]]]:
    rows = defaultdict(list)
    for row in rows_of("safety_boundaries.csv"):
        rows[row["case_id"]].append(row)
    return rows


@pytest.mark.parametrize("case", sorted(cases()))
def test_agrees_with_published_boundary(case: str) -> None:
    rows = cases()[case]
    prior = float(rows[0]["prior_a"]), float(rows[0]["prior_b"])
    limit, certainty = float(rows[0]["limit"]), float(rows[0]["threshold"])
    looks = np.array([int(n) for n in rows[0]["looks_n"].split(";")])

    boundary = events_that_stop(looks, prior, limit, certainty)

    for row in rows:
        kind, at = row["quantity"].rsplit("_", 1)
        if at[0] == "n":
            place = list(looks).index(int(at[1:]))
            if row["value"] in {"", "NA"}:
                assert boundary[place] == looks[place] + 1
                continue
            found: float = boundary[place]
            if kind == "posterior_at_boundary":
                found = float(posterior_excess(boundary[place], looks[place], prior, limit))
        else:
            stopping = chance_of_stopping(looks, boundary, float(at[1:]))
            found = {
                "stop_prob_by_end": float(stopping.sum()),
                "first_look_stop_prob": float(stopping[0]),
                "expected_n": expected_patients(looks, stopping),
            }[kind]
        assert found == pytest.approx(float(row["value"]), abs=1e-8), row["quantity"]


@pytest.mark.parametrize(
    "row",
    [row for row in rows_of("decisions_more.csv") if row["case"].startswith("safe")],
    ids=lambda row: row["inputs"],
)
def test_agrees_with_more_published_boundaries(row: dict[str, str]) -> None:
    a, b, limit, certainty, patients = map(float, re.findall(r"\d+(?:\.\d+)?", row["inputs"]))

    boundary = events_that_stop(np.array([int(patients)]), (a, b), limit, certainty)

    assert boundary.tolist() == [int(row["value"])]


def test_a_trial_that_no_count_can_stop_goes_on() -> None:
    looks = np.array([1, 2])

    boundary = events_that_stop(looks, (1.0, 1.0), 0.5, 0.999)

    assert boundary.tolist() == [2, 3]
    assert chance_of_stopping(looks, boundary, 0.9).tolist() == [0.0, 0.0]
