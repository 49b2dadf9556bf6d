"""A damaged evidence file ends in one plain message that names the file and the key."""

import random
from pathlib import Path

import pytest

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.load import load_evidence

PRIORS = Path(__file__).parents[2] / "priors"
SOUND = """
[study]
name = "Small"
design = "single-arm"
patients = 12
months_since_diagnosis = [0, 12]
source = "made up"

[[reported]]
endpoint = "hba1c"
month = 6
median = 8.27
unit = "%"

[[reported]]
endpoint = "hba1c"
month = 6
count = 2
of = 12
below = 7.5
unit = "%"

[[reported]]
endpoint = "hba1c"
month = 6
quartiles = [7.0, 9.0]
unit = "%"

[[reported]]
endpoint = "c_peptide"
month = 0
mean = 747
sd = 468
unit = "pmol/L"

[[reported]]
endpoint = "c_peptide"
months = [0, 6]
change = -0.1
ci95 = [-0.2, 0.0]
unit = "nmol/L"

[[reported]]
endpoint = "c_peptide"
months = [0, 6]
correlation = 0.8

[[reported]]
endpoint = "c_peptide"
months = [0, 12]
statement = "stable"
elicited = { change = { normal = [0.0, 0.15] } }
why = "ours"

[[reported]]
endpoint = "hba1c"
month = 3
mean = 7.4
se = 0.3
unit = "%"
clock = "diagnosis"

[effect.hba1c]
month = 6
shape = "onset"
half_time_months = 1.5
sceptical_sd = 0.5
bias_sd = 0.3
why = "ours"

[effect.c_peptide]
month = 12
shape = "delayed"
lag_months = 3
sceptical_sd = 0.1
bias_sd = 0.05
why = "ours"
"""
MEDIAN = "median = 8.27"
COUNT = "count = 2"
MEAN = "mean = 747"
SD = "sd = 468"
CI = "ci95 = [-0.2, 0.0]"
CORRELATION = "correlation = 0.8"
RESIDUAL = 'unit = "ln(nmol/L + 1)"\nresidual_sd'
NORMAL = "normal = [0.0, 0.15]"
HALF = "half_time_months = 1.5"
AGAIN = '\n[[reported]]\nendpoint = "hba1c"\nmonth = 6\nmedian = 8.3\nunit = "%"\n'
OTHER = '[[study]]\nname = "Other"\ndesign = "control-arm"\nsource = "x"\n'
OTHER += "months_since_diagnosis = [0, 1]\n\n[[study]]"

# old text, new text, the key that the message must name
EDITS: list[tuple[str, str, str]] = [
    # the study
    ('name = "Small"', "", "study.name"),
    ('name = "Small"', 'name = ""', "study.name"),
    ('name = "Small"', "name = 3", "study.name"),
    ('name = "Small"', 'nmae = "Small"', "study.name"),
    ('name = "Small"', 'name = "Small"\nsize = 4', "study.size"),
    ('design = "single-arm"', "", "study.design"),
    ('design = "single-arm"', 'design = "randomised"', "study.treated"),
    ('design = "single-arm"', 'design = "single arm"', "study.design"),
    ('design = "single-arm"', 'design = "control-arm"', "effect"),
    ("patients = 12", "", "study.patients"),
    ("patients = 12", "patients = 0", "study.patients"),
    ("patients = 12", "patients = -12", "study.patients"),
    ("patients = 12", "patients = 12.0", "study.patients"),
    ("patients = 12", 'patients = "12"', "study.patients"),
    ("patients = 12", "patients = 12000000", "study.patients"),
    ("patients = 12", "patients = 11", "reported[2].of"),
    ("= [0, 12]\nsource", "= [12, 0]\nsource", "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", "= [-1, 12]\nsource", "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", "= 12\nsource", "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", "= [0, 6, 12]\nsource", "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", "= [0, inf]\nsource", "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", '= [0, "12"]\nsource', "study.months_since_diagnosis"),
    ("= [0, 12]\nsource", "= [6, 12]\nsource", "reported[8].month"),
    ('source = "made up"', "", "study.source"),
    ("[study]", "[studies]", "studies"),
    ("[study]", OTHER, "reported[1].study"),
    (MEDIAN, MEDIAN + '\nstudy = "Smaller"', "reported[1].study"),
    (MEDIAN, MEDIAN + '\narm = "placebo"', "reported[1].arm"),
    # what, when and in which unit
    ('endpoint = "hba1c"', 'endpoint = "hba1"', "reported[1].endpoint"),
    ('endpoint = "hba1c"', 'endpoint = "weight"', "reported[1].endpoint"),
    ('endpoint = "hba1c"', "", "reported[1].endpoint"),
    ('endpoint = "hba1c"', "endpoint = 7", "reported[1].endpoint"),
    ("month = 6\nmedian", "month = -6\nmedian", "reported[1].month"),
    ("month = 6\nmedian", 'month = "six"\nmedian', "reported[1].month"),
    ("month = 6\nmedian", "month = 1979-05-27\nmedian", "reported[1].month"),
    ("month = 6\nmedian", "median", "reported[1].month"),
    ("month = 6\nmedian", "months = [0, 6]\nmedian", "reported[1].months"),
    ("month = 6\nmedian", "month = 6\nmonths = [0, 6]\nmedian", "reported[1].months"),
    ("month = 3\nmean", "month = 3\nclock = 'infusion'\nmean", "TOML"),
    ('clock = "diagnosis"', 'clock = "infusion"', "reported[8].clock"),
    ('unit = "%"', "", "reported[1].unit"),
    ('unit = "%"', 'unit = "nmol/L"', "reported[1].unit"),
    ('unit = "%"', 'unit = "percent"', "reported[1].unit"),
    ('unit = "%"', "unit = 1", "reported[1].unit"),
    ('unit = "pmol/L"', 'unit = "%"', "reported[4].unit"),
    ('unit = "pmol/L"', 'unit = "ng/mL/h"', "reported[4].unit"),
    # the number itself
    (MEDIAN, "", "reported[1].endpoint"),
    (MEDIAN, "median = 0.0827", "reported[1].median"),
    (MEDIAN, "median = 82.7", "reported[1].median"),
    (MEDIAN, "median = -8.27", "reported[1].median"),
    (MEDIAN, "median = nan", "reported[1].median"),
    (MEDIAN, "median = [8.27]", "reported[1].median"),
    (MEDIAN, 'median = "8.27"', "reported[1].median"),
    (MEDIAN, "median = 1e300", "reported[1].median"),
    (MEDIAN, "median = " + "9" * 400, "reported[1].median"),
    (MEDIAN, "median = " + "9" * 5000, "number"),
    (MEDIAN, "meadian = 8.27", "reported[1].meadian"),
    (MEDIAN, MEDIAN + "\nmean = 8.2", "reported[1].median"),
    (MEDIAN, MEDIAN + "\nsd = 1.2", "reported[1].sd"),
    (MEDIAN, MEDIAN + "\nbelow = 7.5", "reported[1].below"),
    (MEDIAN, MEDIAN + "\nvalue = 7.5", "reported[1].value"),
    (MEDIAN, MEDIAN + "\nn = 0", "reported[1].n"),
    (MEDIAN, MEDIAN + "\nn = 13", "reported[1].n"),
    (MEDIAN, MEDIAN + "\nn = 10.5", "reported[1].n"),
    (MEDIAN, MEDIAN + '\nstatus = "guessed"', "reported[1].status"),
    (MEDIAN, MEDIAN + '\nstatus = "elicited"', "reported[1].status"),
    (MEDIAN, MEDIAN + '\nunused = ""', "reported[1].unused"),
    # spread
    (MEAN, "mean = 0.747", "reported[4].sd"),
    (MEAN, "mean = -747", "reported[4].mean"),
    (MEAN, "mean = 74700", "reported[4].mean"),
    (SD, "sd = -468", "reported[4].sd"),
    (SD, "sd = 0", "reported[4].sd"),
    (SD, "sd = 46800", "reported[4].sd"),
    (SD, SD + "\nse = 40", "reported[4].se"),
    (SD, SD + "\nci95 = [500, 900]", "reported[4].ci95"),
    (SD, SD + "\nn = 1", "reported[4].n"),
    ("se = 0.3", "se = -0.3", "reported[8].se"),
    ("se = 0.3", "se = 0", "reported[8].se"),
    ("se = 0.3", "se = 300", "reported[8].se"),
    (CI, "ci95 = [0.0, -0.2]", "reported[5].ci95"),
    (CI, "ci95 = [0.0, 0.2]", "reported[5].ci95"),
    (CI, "ci95 = [-0.2]", "reported[5].ci95"),
    (CI, "ci95 = 0.2", "reported[5].ci95"),
    ("change = -0.1", "change = -100", "reported[5].change"),
    ("months = [0, 6]\nchange", "months = [6, 0]\nchange", "reported[5].months"),
    ("months = [0, 6]\nchange", "months = [6, 6]\nchange", "reported[5].months"),
    ("months = [0, 6]\nchange", "months = [-6, 6]\nchange", "reported[5].months"),
    ("months = [0, 6]\nchange", "change", "reported[5].months"),
    ("change = -0.1", "slope = -100", "reported[5].slope"),
    # counts
    (COUNT, "count = 13", "reported[2].count"),
    (COUNT, "count = 2.5", "reported[2].count"),
    (COUNT, "count = 11", "reported[2].count"),
    ("of = 12", "of = 0", "reported[2].of"),
    ("of = 12", "", "reported[2].of"),
    ("of = 12", "of = 12\nn = 11", "reported[2].n"),
    ("below = 7.5", "", "reported[2].count"),
    ("below = 7.5", "below = 0.075", "reported[2].below"),
    ("below = 7.5", "below = 7.5\nabove = 9", "reported[2].above"),
    ("below = 7.5", "below_baseline = false", "reported[2].below_baseline"),
    ("month = 6\ncount", "months = [0, 6]\ncount", "reported[2].months"),
    (
        "month = 6\ncount = 2\nof = 12\nbelow = 7.5",
        "month = 0\ncount = 2\nof = 12\nbelow_baseline = true",
        "reported[2].month",
    ),
    # quartiles and correlations
    ("quartiles = [7.0, 9.0]", "quartiles = [9.0, 7.0]", "reported[3].quartiles"),
    ("quartiles = [7.0, 9.0]", "quartiles = [8.5, 9.0]", "reported[3].quartiles"),
    ("quartiles = [7.0, 9.0]", "quartiles = [0.07, 0.09]", "reported[3].quartiles"),
    ("quartiles = [7.0, 9.0]", "range = [8.5, 9.0]", "reported[3].range"),
    (CORRELATION, "correlation = 1", "reported[6].correlation"),
    (CORRELATION, "correlation = -1.2", "reported[6].correlation"),
    (CORRELATION, CORRELATION + "\nn = 3", "reported[6].n"),
    (CORRELATION, "residual_sd = 0.2", "reported[6].unit"),
    (CORRELATION, f"{RESIDUAL} = 0", "reported[6].residual_sd"),
    (CORRELATION, f"{RESIDUAL} = 16.5", "reported[6].residual_sd"),
    (CORRELATION, f"{RESIDUAL} = 0.2\nn = 3", "reported[6].n"),
    ("months = [0, 6]\ncorrelation", f"month = 6\n{RESIDUAL}", "reported[6].month"),
    (CORRELATION, CORRELATION + '\nwith_endpoint = "hba1c"', "reported[6].months"),
    ("months = [0, 6]\ncorr", "month = 6\ncorr", "reported[6].month"),
    ("months = [0, 6]\ncorr", 'with_endpoint = "c_peptide"\nmonth = 6\ncorr', "with_endpoint"),
    ("months = [0, 6]\ncorr", 'with_endpoint = "weight"\nmonth = 6\ncorr', "with_endpoint"),
    # elicited statements
    (NORMAL, "normal = [0.0, -0.15]", "reported[7].elicited.change.normal"),
    (NORMAL, "normal = [40, 0.15]", "reported[7].elicited.change.normal"),
    (NORMAL, "normal = [0.0, nan]", "reported[7].elicited.change.normal"),
    (NORMAL, "normal = 0.0", "reported[7].elicited.change.normal"),
    (NORMAL, "uniform = [0, 1]", "reported[7].elicited.change"),
    ("elicited = { change", "elicited = { mean", "reported[7].elicited.mean"),
    ("elicited = { change = { normal = [0.0, 0.15] } }", "elicited = {}", "reported[7].elicited"),
    ('why = "ours"\n\n[[', "[[", "reported[7].why"),
    ('why = "ours"\n\n[[', 'why = ""\n\n[[', "reported[7].why"),
    ('statement = "stable"', 'statement = "stable"\nmean = 0.5', "reported[7].elicited"),
    ('statement = "stable"', 'statement = "stable"\nstatus = "published"', "reported[7].status"),
    ('statement = "stable"', 'statement = "stable"\nunit = "nmol/L"', "reported[7].unit"),
    # the assumed effect
    ("[effect.hba1c]", "[effect.hba1]", "effect.hba1c"),
    ("[effect.hba1c]", "[effect.weight]", "effect.hba1c"),
    ("[effect.c_peptide]", "[effects.c_peptide]", "effects"),
    ('shape = "onset"', 'shape = "onsett"', "effect.hba1c.shape"),
    ('shape = "onset"', "shape = 1", "effect.hba1c.shape"),
    (HALF, "half_time_months = 0", "effect.hba1c.half_time_months"),
    (HALF, "half_time_months = -1", "effect.hba1c.half_time_months"),
    (HALF, "half_time_months = nan", "effect.hba1c.half_time_months"),
    (HALF, "half_life = 2", "effect.hba1c.half_life"),
    (HALF, 'half_time_months = "1"', "effect.hba1c.half_time_months"),
    ("sceptical_sd = 0.5", "sceptical_sd = 0", "effect.hba1c.sceptical_sd"),
    ("sceptical_sd = 0.5", "sceptical_sd = -0.5", "effect.hba1c.sceptical_sd"),
    ("sceptical_sd = 0.5", "sceptical_sd = 500", "effect.hba1c.sceptical_sd"),
    ("sceptical_sd = 0.5", "", "effect.hba1c.sceptical_sd"),
    ("bias_sd = 0.3", "bias_sd = 0", "effect.hba1c.bias_sd"),
    ("bias_sd = 0.3\nwhy", "bias_sd = 0.3\nwyh", "effect.hba1c.why"),
    ("lag_months = 3", "lag_months = 12", "effect.c_peptide.month"),
    ("month = 12\nshape", "month = 0\nshape", "effect.c_peptide.month"),
    # the file
    ("[effect.hba1c]", AGAIN + "[effect.hba1c]", "reported[9].median"),
    ("[[reported]]", "[[reports]]", "reports"),
    (MEDIAN, "median = 8,27", "TOML"),
    (MEDIAN, MEDIAN + "\n" + MEDIAN, "TOML"),
    ("[study]", "[study", "TOML"),
    ('name = "Small"', 'name = "Small', "TOML"),
]


def refusal(path: Path) -> str:
    """Return the message; any other exception, or none, fails the test that asked."""
    with pytest.raises(BadEvidence) as refused:
        load_evidence([path])
    return str(refused.value)


def assert_plain(message: str, path: Path, key: str) -> None:
    assert message.startswith(f"{path}: ")
    assert key in message.removeprefix(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 900 + len(str(path))
    assert message.endswith((".", "?", ")"))
    assert "Traceback" not in message
    assert "pydantic" not in message.lower()


def test_the_undamaged_file_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "sound.toml"
    path.write_text(SOUND, encoding="utf-8")

    assert len(load_evidence([path]).reported) == 8


@pytest.mark.parametrize(("old", "new", "key"), EDITS)
def test_damaged_file_is_refused_by_name_and_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    assert old in SOUND
    path = tmp_path / "damaged.toml"
    path.write_text(SOUND.replace(old, new, 1), encoding="utf-8")

    assert_plain(refusal(path), path, key)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "empty"),
        (b"# only a comment\n", "empty"),
        (b"\xff\xfe[study]", "UTF-8"),
        (b"[study]\nname = '\xe9'", "UTF-8"),
        (b"\x00\x01\x02", "TOML"),
        (b'{"study": {}}', "TOML"),
        (b"study = 3\nreported = []", "study"),
        (b"study = []\n[[reported]]", "study"),
        (b"[study]\nname = 'x'", "reported"),
        (b"reported = []\n[study]\nname = 'x'", "reported"),
        (b"reported = 3\n[study]\nname = 'x'", "reported"),
        (b"reported = [3]\n[study]\nname = 'x'", "study.design"),
        (b"study = [3]\n[[reported]]", "study[1]"),
        (b"effect = 3\n[study]\nname = 'x'\n[[reported]]", "effect"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "TOML"),
    ],
)
def test_file_that_is_no_evidence_is_refused(tmp_path: Path, content: bytes, key: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)

    assert_plain(refusal(path), path, key)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert_plain(refusal(tmp_path / "none.toml"), tmp_path / "none.toml", "cannot be read")
    assert_plain(refusal(tmp_path), tmp_path, "folder")


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(BadEvidence, match="No evidence file"):
        load_evidence([])


def test_study_of_two_files_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for path in paths:
        path.write_text(SOUND, encoding="utf-8")

    with pytest.raises(BadEvidence, match=r"two\.toml: study\.name is 'Small'"):
        load_evidence(paths)


def test_effects_of_two_files_that_differ_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "one.toml", tmp_path / "two.toml"]
    paths[0].write_text(SOUND, encoding="utf-8")
    other = SOUND.replace("Small", "Other").replace("bias_sd = 0.3", "bias_sd = 0.2")
    paths[1].write_text(other, encoding="utf-8")

    with pytest.raises(BadEvidence, match=r"two\.toml: effect\.hba1c differs"):
        load_evidence(paths)


def test_only_the_first_problem_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text(SOUND.replace(MEDIAN, "median = nan\nsd = 0\nextra = 1"), encoding="utf-8")

    message = refusal(path)

    assert "reported[1].median" in message
    assert "2 more" in message


@pytest.mark.parametrize("name", ["gxipc1", "t1d-natural-history", "msc-randomised"])
def test_any_lost_line_of_a_shipped_file_is_read_or_refused(tmp_path: Path, name: str) -> None:
    lines = (PRIORS / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "lost.toml"
    for number in range(len(lines)):
        path.write_text("\n".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")

        try:
            load_evidence([path])
        except BadEvidence as refused:
            assert_plain(str(refused), path, "")


def test_random_bytes_in_a_file_are_read_or_refused(tmp_path: Path) -> None:
    sound = SOUND.encode()
    dice = random.Random(20261123)  # noqa: S311
    path = tmp_path / "random.toml"
    for _ in range(400):
        at = dice.randrange(len(sound))
        path.write_bytes(sound[:at] + dice.randbytes(dice.randint(0, 3)) + sound[at + 1 :])

        try:
            load_evidence([path])
        except BadEvidence as refused:
            assert_plain(str(refused).replace("\n", " "), path, "")
