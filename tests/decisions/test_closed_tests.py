"""Rules for several analyses: published adjusted p-values, and the familywise error they keep."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from support.agreement import STANDARD_ERRORS, se_of_share
from support.partial_nulls import RULES, familywise_error
from support.readings import rows_of

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import only_p
from phase2sim.decisions import DECISIONS
from phase2sim.decisions.closed_tests import chain_graph, closed_test, equal_graph, hochberg, holm

ALPHA = 0.025


def cases() -> dict[str, list[dict[str, str]]]:
    rows = defaultdict(list)
    for row in rows_of("multiplicity.csv"):
        rows[row["case_id"]].append(row)
    return rows


def numbers(text: str) -> Floats:
    return np.array([float(part) for part in text.split(";")])


def adjusted(procedure: str, p: Floats, row: dict[str, str]) -> Floats:
    """Adjust one trial's p-values as the named procedure of the published rows does."""
    if procedure == "holm":
        return holm(p)
    if procedure == "hochberg":
        return hochberg(p)
    if procedure == "hommel":
        return closed_test(p, *equal_graph(p.shape[1]), simes=True)
    if procedure == "fixed_sequence":
        first = np.eye(p.shape[1])[0]
        return closed_test(p, first, chain_graph(p.shape[1]))
    rows = np.array([[float(g) for g in r.split(",")] for r in row["transition_rows"].split("|")])
    return closed_test(p, numbers(row["weights"]), rows, simes="simes" in procedure)


@pytest.mark.parametrize("case", sorted(cases()))
def test_agrees_with_published_adjusted_p(case: str) -> None:
    rows = cases()[case]
    procedure, p = rows[0]["procedure"], numbers(rows[0]["p"])[None]

    found = adjusted(procedure, p, rows[0])[0]

    for row in rows:
        kind, _, number = row["quantity"].rpartition("_")
        value = found[int(number) - 1]
        if kind == "adj_p":
            assert value == pytest.approx(float(row["value"]), abs=1e-8)
        else:
            assert (value <= float(row["alpha"]) + 1e-12) == (row["value"] == "1")


@pytest.mark.parametrize(
    "row",
    [row for row in rows_of("decisions_more.csv") if row["case"].startswith("mult")],
    ids=lambda row: f"{row['case']} {row['quantity']}",
)
def test_agrees_with_more_published_adjusted_p(row: dict[str, str]) -> None:
    p = numbers(row["inputs"].removeprefix("p = ").replace("/", ";"))[None]
    procedure, _, number = row["quantity"].split()

    found = adjusted(procedure, p, row)[0, int(number) - 1]

    # The table was rounded to ten digits.
    assert found == pytest.approx(float(row["value"]), rel=1e-8, abs=1e-10)


def test_a_failed_analysis_stays_undecided_and_helps_no_other() -> None:
    p = np.array([[np.nan, 0.012], [np.nan, 0.02], [0.5, 0.6]])

    verdicts = DECISIONS["holm"](one_sided_alpha=ALPHA).decide(only_p(p))  # type: ignore[call-arg]  # a field of every rule

    assert verdicts.tolist() == [
        [UNDECIDED, GO, GO], [UNDECIDED, STOP, UNDECIDED], [STOP, STOP, STOP]
    ]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_familywise_error_is_kept_under_every_partial_null(name: str) -> None:
    trials = 4_000
    bound = ALPHA + STANDARD_ERRORS * float(se_of_share(ALPHA, trials))

    for true_nulls in product((False, True), repeat=3):
        if any(true_nulls):
            error = familywise_error(RULES[name], true_nulls, trials, correlation=0.4)
            assert error <= bound, true_nulls


def test_unadjusted_analyses_do_not_keep_it() -> None:
    rule = DECISIONS["significance"](one_sided_alpha=ALPHA)  # type: ignore[call-arg]  # a field of every rule

    assert familywise_error(rule, (True, True, True), 4_000, correlation=0.0) > 0.05


def test_gatekeeping_shuts_the_gate() -> None:
    rule = RULES["gatekeeping"]

    verdicts = rule.decide(only_p(np.array([[0.03, 0.001, 0.001], [0.02, 0.013, 0.012]])))

    assert verdicts.tolist() == [[STOP, STOP, STOP, STOP], [GO, GO, GO, GO]]


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("fallback", {"weights": (0.5, 0.6)}, "weights"),
        ("graphical", {"weights": (0.5, 0.5), "transitions": ((0.5, 0.5), (1, 0))}, "transitions"),
        (
            "graphical",
            {"weights": (0.5, 0.5), "transitions": ((0, float("nan")), (1, 0))},
            "transitions",
        ),
        ("gatekeeping", {"families": (0, 2)}, "families"),
        ("holm", {"one_sided_alpha": 0.7}, "one_sided_alpha"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    name: str, options: dict[str, object], key: str
) -> None:
    with pytest.raises(ValueError, match=f"^{key} "):
        DECISIONS[name](**{"one_sided_alpha": ALPHA, **options})  # type: ignore[call-arg]  # by name


def test_a_rule_for_another_number_of_analyses_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^families is for 3 analyses and there are 2"):
        RULES["gatekeeping"].labels(("hba1c", "c_peptide"))
