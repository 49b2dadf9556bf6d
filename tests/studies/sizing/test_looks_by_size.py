"""Sample size with interim looks: each size is the design of that size, its looks moved along."""

import pytest
from support.commands import printed
from support.looks import sequential, with_looks
from support.small_trials import Table, scenario

from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.operating.simulation import prepare_scenario, simulate
from phase2sim.scenario.as_toml import toml_text
from phase2sim.studies.sizing.looks_by_size import looks_by_size, looks_fit
from phase2sim.studies.sizing.size import find_size
from phase2sim.studies.sizing.size_result import Search
from phase2sim.studies.sizing.success_counts import CountedTrials, Counter

LOOKS = [{"share": 0.4, "month": 12}, {"share": 0.75, "month": 12}]
HARM = {
    "kind": "posterior",
    "event": "adverse_events",
    "by_month": 12,
    "looks": [5, 10, 18],
    "limit": 0.2,
    "certainty": 0.8,
    "prior": [0.2, 0.8],
}
# Classical Pocock, two looks, one-sided alpha 0.05, power 0.8, rpact 4.5.0 (case g04 of
# tests/published/group_sequential.csv): patients at most, and on average, over a fixed design's.
INFLATION, EXPECTED = 1.121168321, 0.8439502267
FIXED = 98.92  # patients of it: 16 (1.644854 + 0.841621)^2, for half a standard deviation


def table(**changes: object) -> Table:
    return with_looks(
        design=sequential(looks=LOOKS),
        recruitment={"kind": "poisson", "per_month": 4.0},
        events={"adverse_events": {"per_month": 0.02}},
        safety=HARM,
        truth={"target": {"c_peptide": {"effect": 0.15, "month": 12, "shape": "linear"}}},
    ) | changes  # fmt: skip


def with_patients(patients: int) -> Table:
    return table(design=sequential(looks=LOOKS, patients=patients))


def test_every_size_is_counted_as_a_run_of_that_size() -> None:
    sizes, trials = (40, 60, 100), 60
    assembled = prepare_scenario(scenario(table()), lambda _line: None).assembled
    with backend() as pool:
        counter = Counter(
            pool,
            CountedTrials(assembled.study, assembled.sources[0], 0),
            looks_by_size=looks_by_size(assembled.built),
        )
        counts = counter(0, trials, tuple(map(float, sizes)))
        enrolled = [counter.enrolled(patients, trials) for patients in sizes]

    for index, patients in enumerate(sizes):
        run = simulate(scenario(with_patients(patients)), trials=trials)
        rows = {(row.name, row.truth): row.measured for row in run.characteristics}
        assert counts.share(index).estimate == run.power["c_peptide"].estimate
        assert enrolled[index].estimate == rows["enrolled", "target"].estimate
        assert enrolled[index].mcse == pytest.approx(rows["enrolled", "target"].mcse)


def test_the_size_is_that_of_another_program(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One patient in twenty months, so that nobody is on the way at the look."""
    path = tmp_path_factory.mktemp("size") / "pocock.toml"
    pocock = with_looks(
        design=sequential(visits_months=[0, 1], looks=[{"share": 0.5, "month": 1}]),
        recruitment={"kind": "steady", "per_month": 0.3},
        stopping={"efficacy": {"kind": "pocock"}},
        truth={"target": {"c_peptide": {"effect": 0.15, "month": 1, "shape": "linear"}}},
        analysis=[{"endpoint": "c_peptide", "month": 1, "method": "t_test"}],
        decision={"kind": "significance", "one_sided_alpha": 0.05},
    )
    path.write_text(toml_text(scenario(pocock)), encoding="utf-8")

    result = printed("size", path, "--power", "0.8", "--tolerance", "0.04", "--confidence", "0.9")

    # A t test takes two patients or so more than z, and the answer may be a few above the fewest.
    assert result["closed_form"] == pytest.approx(INFLATION * FIXED, abs=4)
    assert -2 <= result["patients"] - INFLATION * FIXED <= 16
    share = result["enrolled"]["estimate"] / result["patients"]
    assert share == pytest.approx(EXPECTED / INFLATION, abs=0.03)
    assert result["enrolled"]["mcse"] > 0


def test_looks_that_need_more_patients_are_where_a_search_begins() -> None:
    built = prepare_scenario(
        scenario(table(design=sequential())), lambda _line: None
    ).assembled.built

    # A look after 30 patients, and one after three quarters of all.
    assert not looks_fit(built, 30)
    assert not looks_fit(built, 40)
    assert looks_fit(built, 42)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {
                "safety": None,
                "events": {},
                "design": sequential(
                    reestimation={
                        "kind": "promising_zone",
                        "from_power": 0.3,
                        "power": 0.9,
                        "most_patients": 120,
                    }
                ),
            },
            "design.kind cannot be sized",
        ),
        (
            {
                "stopping": {
                    "efficacy": {"kind": "obrien_fleming_spending"},
                    "information": "actual",
                    "maximum_information": {"c_peptide": 400.0},
                }
            },
            r"stopping\.maximum_information is that of 80 patients",
        ),
    ],
)
def test_looks_that_do_not_move_with_the_size_are_refused(changes: Table, message: str) -> None:
    with backend() as pool, pytest.raises(BadInput, match=message):
        find_size(scenario(table(**changes)), Search(), pool)
