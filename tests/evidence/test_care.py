"""Covariates of care in an evidence file: read, left out of the digest if unused, and refused."""

from pathlib import Path

import pytest
from support.evidence_text import CONTROL

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.care import guessed_shares, share_of
from phase2sim.evidence.elicited import care_inputs, elicited_inputs
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence, UnknownShare

REPORTED = """
[[reported]]
endpoint = "hba1c"
month = 6
mean = 7.4
sd = 1.2
unit = "%"
"""
DECLARED = """
[care.sensor_share]
effect = { hba1c = { normal = [-0.3, 0.25] } }
if_not_stated = 0.1
why = "ours"
"""
STATED = "care = { sensor_share = 0.8 }\n"
GUESSED = 'care = { sensor_share = { beta = [0.4, 0.2] } }\ncare_why = "not printed"\n'


def loaded(folder: Path, arm: str = "", declared: str = DECLARED, name: str = "small") -> Evidence:
    path = folder / f"{name}.toml"
    path.write_text(f"{CONTROL}{arm}{REPORTED}{declared}", encoding="utf-8")
    return load_evidence([path])


@pytest.mark.parametrize(
    ("arm", "share"), [(STATED, 0.8), (GUESSED, UnknownShare(0.4, 0.2)), ("", 0.1)], ids=str
)
def test_an_arm_has_its_share_or_the_stated_default(
    tmp_path: Path, arm: str, share: float | UnknownShare
) -> None:
    evidence = loaded(tmp_path, arm)

    assert share_of(evidence.arms[0], evidence.care["sensor_share"]) == share


def test_care_that_no_file_declares_does_not_change_the_digest(tmp_path: Path) -> None:
    digests = {loaded(tmp_path, arm, "").digest for arm in ("", STATED, GUESSED)}

    assert len(digests) == 1


def test_every_number_of_care_is_part_of_the_digest(tmp_path: Path) -> None:
    wider = DECLARED.replace("0.25", "0.3")
    other = DECLARED.replace("0.1", "0.2")
    reason = DECLARED.replace("ours", "another reason")

    digests = [
        loaded(tmp_path, *case).digest
        for case in (("",), (STATED,), (GUESSED,), ("", wider), ("", other), ("", ""))
    ]

    assert len(set(digests)) == len(digests)
    assert loaded(tmp_path, "", reason).digest == digests[0]


def test_what_is_ours_is_listed_as_elicited(tmp_path: Path) -> None:
    evidence = loaded(tmp_path, GUESSED)

    assert [str(given) for given in elicited_inputs(evidence)] == [
        "care.sensor_share.effect.hba1c = N(-0.3, 0.25) %: ours",
        "Small, control: sensor_share = beta, mean 0.4 and SD 0.2: not printed",
    ]
    assert [str(given) for given in care_inputs(evidence, {"sensor_share": 0.8}, "2027")] == [
        "population.care.sensor_share = 0.8: 2027"
    ]
    assert [given.value for given in care_inputs(evidence, {}, None)] == ["0"]


def test_an_arm_whose_endpoint_is_not_read_has_no_unknown_share(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    other = REPORTED.replace('"hba1c"', '"insulin"').replace("7.4", "0.5").replace("1.2", "0.2")
    other = other.replace('"%"', '"U/kg/day"')
    path.write_text(f"{CONTROL}{GUESSED}{other}{DECLARED}", encoding="utf-8")

    assert not list(guessed_shares(load_evidence([path])))


@pytest.mark.parametrize(
    ("arm", "declared", "message"),
    [
        ("care = { sensor_share = 1.2 }", DECLARED, r"study\.care\.sensor_share is 1\.2"),
        (
            "care = { sensor_share = { beta = [0.4, 0.2] } }",
            DECLARED,
            r"study\.care_why is missi",
        ),
        ('care_why = "ours"', DECLARED, r"study\.care_why comes without care"),
        ("care = { sensor_shar = 0.4 }", DECLARED, r"sensor_shar is no covariate.*'sensor_share'"),
        (
            'care = { sensor_share = { beta = [1.4, 0.2] } }\ncare_why = "a"',
            DECLARED,
            r"sensor_share\.beta\[1\] is 1\.4; it must lie between 0 and 1",
        ),
        (
            'care = { sensor_share = { beta = [0.4, 0.5] } }\ncare_why = "a"',
            DECLARED,
            r"sensor_share\.beta\[2\] is 0\.5; for a mean of 0\.4 .* below 0\.49",
        ),
        ("", DECLARED.replace("hba1c", "hba1"), r"care\.sensor_share\.effect\.hba1 is not a model"),
        ("", DECLARED.replace("0.25", "0"), r"effect\.hba1c\.normal\[2\] is 0; an SD must be"),
        ("", DECLARED.replace("-0.3", "-30"), r"effect\.hba1c\.normal\[1\] is -30; on the model"),
        ("", DECLARED.replace('why = "ours"', ""), r"care\.sensor_share\.why is missing"),
        ("", "care = 3\n", "care must be tables"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arm: str, declared: str, message: str) -> None:
    if declared == "care = 3\n":
        path = tmp_path / "top.toml"
        path.write_text(f"{declared}{CONTROL}{REPORTED}", encoding="utf-8")
        with pytest.raises(BadEvidence, match=message):
            load_evidence([path])
        return
    with pytest.raises(BadEvidence, match=message):
        loaded(tmp_path, f"{arm}\n", declared)


def test_two_files_that_state_a_covariate_differently_are_refused(tmp_path: Path) -> None:
    loaded(tmp_path, name="first")
    path = tmp_path / "second.toml"
    text = f"{CONTROL.replace('Small', 'Other')}{REPORTED}{DECLARED.replace('0.25', '0.2')}"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BadEvidence, match=r"second\.toml: care\.sensor_share differs"):
        load_evidence([tmp_path / "first.toml", path])
