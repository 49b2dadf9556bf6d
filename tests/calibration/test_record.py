"""The page of calibration has a row for each case, and says what is not calibrated."""

from dataclasses import replace

import pytest
from calibration import record
from calibration.ranks import Verdict
from calibration.reduced import Compared
from calibration.simulated import Calibration

GOOD = Verdict(0.4, 0.3, (0.51, 0.88), (0.4, -1.2))
BAD = Verdict(1e-5, 0.2, (0.49, 0.82), (-0.4, -4.8))
FOUND = Calibration("median, hba1c", 320, 0, {"mean": GOOD, "SD": replace(GOOD, ecdf=0.2)})
COMPARED = [Compared(6.0, (0.3, 0.4), (0.28, 0.38))]


def rows(*found: Calibration) -> list[list[str]]:
    page = "\n".join(record._page(found, COMPARED, 12.0, [])).splitlines()  # noqa: SLF001
    return [line.strip("| ").split(" | ") for line in page if line.startswith("| ")]


def test_a_row_has_the_worst_of_a_case() -> None:
    (row,) = (row for row in rows(FOUND) if row[0] == FOUND.name)

    assert row[1:] == ["320", "2", "0.4", "0.2", "51 to 51 %", "88 to 88 %", "calibrated"]


def test_a_row_says_what_is_not_calibrated() -> None:
    (row,) = (row for row in rows(replace(FOUND, verdicts={"mean": BAD})) if row[0] == FOUND.name)

    assert "chi-square p 1e-05" in row[-1]
    assert "intervals cover (0.49, 0.82)" in row[-1]


def test_the_page_names_what_has_not_been_run() -> None:
    page = "\n".join(record._page([FOUND], COMPARED, 12.0, ["count", "median"]))  # noqa: SLF001

    assert "\nNot run of these models yet: count; median.\n" in page


def test_what_is_kept_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "is_kept", lambda _name: True)

    record._run_missing(1)  # noqa: SLF001

    everything = len(record.CASES) + 1
    assert capsys.readouterr().out == f"{everything} of {everything} are kept of these models.\n"
