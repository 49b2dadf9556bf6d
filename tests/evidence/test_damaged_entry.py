"""A distribution of entry that cannot be ends in one message that names the file and the key."""

from pathlib import Path

import pytest

from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.load import load_evidence

FILE = """
[study]
name = "Small"
design = "control-arm"
patients = 20
months_since_diagnosis = {entry}
source = "made up"

[[reported]]
endpoint = "hba1c"
month = 0
mean = 7.6
sd = 1.2
unit = "%"
"""


def entry_of(folder: Path, entry: str) -> EntryTime:
    path = folder / "small.toml"
    path.write_text(FILE.replace("{entry}", entry), encoding="utf-8")
    return load_evidence([path]).arms[0].months_since_diagnosis


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ("{ mean = 3 }", "sd is missing"),
        ("{ sd = 3 }", "mean is missing"),
        ("{ mean = 3, sd = 9, within = [0, 9] }", "below 4.24"),
        ("{ mean = 30, sd = 9, within = [0, 9] }", "not within 0 and 9"),
        ("{ mean = 3, within = [9, 0] }", r"within is \[9.0, 0.0\]"),
        ("{ learned = true }", "within alone"),
        ("{ mean = 3, within = [0, 9], learned = true }", "no mean"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(tmp_path: Path, entry: str, part: str) -> None:
    with pytest.raises(BadEvidence, match=rf"small.toml: study.months_since_diagnosis .*{part}"):
        entry_of(tmp_path, entry)


def test_entry_is_read_as_it_is_written(tmp_path: Path) -> None:
    assert entry_of(tmp_path, "[0, 3]") == EntryTime(0.0, 3.0)
    assert entry_of(tmp_path, "{ within = [0, 12], learned = true }").learned
    reported = entry_of(tmp_path, "{ mean = 3.4, sd = 1.7, within = [0, 6] }")
    assert (reported.mean, reported.sd) == pytest.approx((3.4, 1.7), abs=1e-4)
