"""Whatever a user types or a disk does: an answer, or one plain line that says what is wrong where.

A failure prints the cases; ``PYTHONPATH=tests python -m fuzz KIND NUMBER`` runs one again.
"""

import random
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from fuzz.case import Case
from fuzz.data_files import DATA, TRIALS, csv_text, patients
from fuzz.judge import complaints, names_a_place, of_values, run
from fuzz.keys import known_keys
from fuzz.kinds import KINDS, case_of, compile_kernels, keep_fits
from fuzz.pairwise import covering_rows
from fuzz.scenarios import COMMANDS, FILE, SOUND, files_of, pairs
from fuzz.scenarios import TABLES as CHOICES

from phase2sim.scenario.assembly.registry import KEYS, TABLES

CASES = {
    "scenario": 1600, "scenario_bytes": 300, "pairs": 1250, "sweep": 350, "evidence": 450,
    "data": 600, "option": 250, "template": 100, "store": 60, "fit": 40,
}  # fmt: skip
CHUNK = 250
MORE = {kind: 20 * cases for kind, cases in CASES.items() if kind != "pairs"}


@pytest.fixture(autouse=True, scope="module")
def kept_fits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep fits of the shipped evidence and compile: no case waits for either."""
    with pytest.MonkeyPatch.context() as patch:
        folder = keep_fits(tmp_path_factory.mktemp("fits"))
        patch.setenv("PHASE2SIM_CACHE", str(folder))
        compile_kernels(tmp_path_factory.mktemp("sound"))
        yield


def chunks(
    cases: dict[str, int], start: dict[str, int] | None = None
) -> list[tuple[str, int, int]]:
    """Kind, first and last of the cases that one test runs."""
    return [
        (kind, first, min(first + CHUNK, last))
        for kind, last in cases.items()
        for first in range((start or {}).get(kind, 0), last, CHUNK)
    ]


def judge(kind: str, first: int, last: int, folder: Path) -> None:
    """Run cases, and fail with all that went wrong."""
    found = []
    for number in range(first, last):
        case, place = case_of(kind, number), folder / str(number)
        place.mkdir()
        found += [f"{kind} {number}: {case.said}: {what}" for what in complaints(case, place)]
    assert not found, "\n".join([f"{len(found)} complaints", *found])


@pytest.mark.parametrize(("kind", "first", "last"), chunks(CASES))
def test_an_answer_or_a_plain_refusal(kind: str, first: int, last: int, tmp_path: Path) -> None:
    judge(kind, first, last, tmp_path)


@pytest.mark.calibration
@pytest.mark.parametrize(("kind", "first", "last"), chunks(MORE, CASES))
def test_the_same_of_many_more(kind: str, first: int, last: int, tmp_path: Path) -> None:
    judge(kind, first, last, tmp_path)


def test_there_are_5000_cases_and_all_pairs() -> None:
    assert sum(CASES.values()) >= 5000
    assert CASES.keys() == KINDS.keys()
    assert pairs() <= CASES["pairs"]


@pytest.mark.parametrize("scenario", SOUND, ids=lambda table: str(table["analysis"][0]["method"]))
def test_what_is_damaged_is_accepted_whole(scenario: dict[str, object], tmp_path: Path) -> None:
    result = run(Case("", COMMANDS[0], files_of(scenario)), tmp_path)

    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("trial", range(len(TRIALS)))
def test_the_patients_that_are_damaged_are_read_whole(trial: int, tmp_path: Path) -> None:
    content = csv_text(patients(trial))
    case = Case("", ("analyse", FILE, DATA), {**files_of(TRIALS[trial]), DATA: content.encode()})

    result = run(case, tmp_path)

    assert result.exit_code == 0, result.stderr


def test_half_of_the_pairs_are_accepted(tmp_path: Path) -> None:
    codes = []
    for number in range(100):
        (tmp_path / str(number)).mkdir()
        codes.append(run(case_of("pairs", number), tmp_path / str(number)).exit_code)

    assert codes.count(0) >= 50


def test_every_part_is_among_the_choices() -> None:
    named = set(re.findall(r"\w+", str([(choices.place, choices.values) for choices in CHOICES])))

    for kind in KEYS:
        assert TABLES[kind].keys() <= named, kind


def test_rows_cover_every_pair() -> None:
    values = {"a": [1, 2, 3], "b": [4, 5], "c": [6, 7, 8, 9]}

    rows = list(covering_rows(values, random.Random(1)))  # noqa: S311

    for one, other in combinations(values, 2):
        seen = {(row[one], row[other]) for row in rows}
        assert len(seen) == len(values[one]) * len(values[other])
    assert len(rows) < 24


@pytest.mark.parametrize(
    ("content", "blamed", "complaint"),
    [
        (b"title = 3", "scenario.toml", ""),
        (b"title = 3", "other.toml", "names none"),
        (b"title =", "scenario.toml", ""),
        (b"\xff", "scenario.toml", ""),
    ],
)
def test_a_refusal_names_the_file(
    content: bytes, blamed: str, complaint: str, tmp_path: Path
) -> None:
    case = Case("", COMMANDS[0], {FILE: content}, (blamed,))

    assert [what[:10] for what in complaints(case, tmp_path)] == [complaint] * bool(complaint)


@pytest.mark.parametrize(
    ("said", "is_a_place"),
    [
        ("s.toml: design.looks[2].share is 3; give one below 1.", True),
        ("s.toml: design is missing.", True),
        ("s.toml: seed: give another.", True),
        ("s.toml: --set seed=-1: seed cannot be below 0.", True),
        ("s.toml: is not TOML: Expected '=' (at line 3, column 4).", True),
        ("s.csv, line 3: y is 'x'.", True),
        ("s.toml: invalid.", False),
        ("s.toml: the value is wrong.", False),
        ("s.toml: designs are many.", False),
        ("another: seed is wrong.", False),
    ],
)
def test_a_place_is_a_key_or_a_line(said: str, is_a_place: bool) -> None:  # noqa: FBT001
    file = "s.csv" if ".csv" in said else "s.toml"

    assert names_a_place(said, file, known_keys()) == is_a_place


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rows": [{"name": "power", "estimate": 0.8, "low": None}]}, ""),
        ({"rows": [{"name": "power", "estimate": 1.2}]}, ".rows[]: power has estimate 1.2"),
        ({"effect": float("nan")}, ".effect is nan"),
        ({"effect": "nan"}, ".effect is 'nan'"),
    ],
)
def test_an_answer_holds_numbers(values: dict[str, object], complaint: str) -> None:
    assert list(of_values(values, "")) == [complaint] * bool(complaint)
