"""A damaged scenario file ends in one plain message that names the file and the key."""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.damage import EDITS, EFFECT, MEAN, PERCENT, SOUND, VISITS
from support.kept_prior import draws_for, shipped_evidence

from phase2sim.cli import main
from phase2sim.core.errors import BadInput
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.scenario_file import load_scenario

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
LONGEST_MESSAGE = 420  # characters after the file's name: one short paragraph


KEPT = draws_for(shipped_evidence())


def read(path: Path) -> None:
    """Take the whole way from a file to a study, with draws that stand for a fit."""
    built = build_scenario(load_scenario(path))
    assemble(built, KEPT if built.scenario.evidence else None)


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def assert_plain(message: str, path: Path, key: str) -> None:
    assert message.startswith(f"{path}: ")
    said = message.removeprefix(f"{path}: ")
    assert key in said
    assert said.endswith((".", "?", "after this one.)"))
    assert not said.endswith("..")
    assert "\n" not in said
    assert len(said) < LONGEST_MESSAGE
    for inside in ("Traceback", "pydantic", "Error", "numpy", "phase2sim.", "<class", "None"):
        assert inside not in said


def written(folder: Path, content: str) -> Path:
    path = folder / "damaged.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_undamaged_file_is_read(tmp_path: Path) -> None:
    read(written(tmp_path, SOUND))


@pytest.mark.parametrize(("old", "new", "key"), EDITS)
def test_damaged_key_is_refused_by_name(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert SOUND.count(old) >= 1
    path = written(tmp_path, SOUND.replace(old, new, 1))

    assert_plain(refusal(path), path, key)


def test_there_are_enough_damaged_files() -> None:
    assert len(EDITS) >= 120
    assert len({(old, new) for old, new, _ in EDITS}) == len(EDITS)


@pytest.mark.parametrize(("old", "new", "key"), EDITS[::5])
@pytest.mark.parametrize("arguments", [["run"], ["replay", "--trial", "0"]], ids=lambda a: a[0])
def test_command_ends_with_exit_code_2_and_the_message(
    tmp_path: Path, old: str, new: str, key: str, arguments: list[str]
) -> None:
    path = written(tmp_path, SOUND.replace(old, new, 1))

    result = CliRunner().invoke(main, [*arguments, str(path)])

    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert_plain(result.stderr.removeprefix("Error: ").strip(), path, key)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "title"),
        (b"# only a comment\n", "title"),
        (b"\xff\xfe[design]", "UTF-8"),
        (b"title = '\xe9'", "UTF-8"),
        (b"\x00\x01\x02", "TOML"),
        (b'{"title": "JSON"}', "TOML"),
        (b"title: YAML\ntrials: 10\n", "TOML"),
        (b"title = 'twice'\ntitle = 'twice'", "TOML"),
        (b"[[design]]\nkind = 'fixed'", "title"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "TOML"),
        (b"seed = " + b"9" * 5000, "number"),
        (b"seed = 1e400", "seed"),
    ],
)
def test_file_that_is_no_scenario_is_refused(tmp_path: Path, content: bytes, key: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)

    assert_plain(refusal(path), path, key)


@pytest.mark.parametrize("key", ['""', '" seed"', '"se\\ned"'])
def test_a_key_that_would_not_show_is_quoted(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, f"{key} = 1\n{SOUND}")

    assert refusal(path).startswith(f"{path}: {key} is not a known key.")


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert_plain(refusal(tmp_path / "none.toml"), tmp_path / "none.toml", "cannot be read")
    assert_plain(refusal(tmp_path), tmp_path, "folder")


def test_effect_far_too_large_explains_percent(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND.replace("effect = 0.12", "effect = 40"))

    message = refusal(path)

    assert "ln(nmol/L + 1) scale an effect lies between -1 and 1" in message
    assert "effect = { percent = 40 }" in message


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    pairs = {"seed = 7": "seeed = 7", VISITS: VISITS.replace("visits_months", "visit_months")}
    wanted = ("'seed'", "'visits_months'")

    for (old, new), word in zip(pairs.items(), wanted, strict=True):
        assert f"Did you mean {word}?" in refusal(written(tmp_path, SOUND.replace(old, new)))


def test_patients_off_the_ratio_name_the_next_number_that_fits(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND.replace("patients = 120", "patients = 121"))

    assert refusal(path).endswith("Use 122.")


def test_only_the_first_problem_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    many = SOUND.replace("seed = 7", "seed = -1").replace("trials = 2000", "trials = 0")

    assert refusal(written(tmp_path, many)).endswith("(1 more after this one.)")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_any_lost_line_of_a_shipped_file_is_read_or_refused(tmp_path: Path, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    lost = tmp_path / "lost.toml"
    for number in range(len(lines)):
        lost.write_text("\n".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")

        try:
            read(lost)
        except BadInput as refused:
            assert_plain(str(refused), lost, "")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("value", ["true", '"text"', "-3", "[]", "1e14", "2026-11-23", "[[1]]"])
def test_any_key_of_a_shipped_file_with_an_odd_value_is_read_or_refused(
    tmp_path: Path, path: Path, value: str
) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    odd = tmp_path / "odd.toml"
    for number, line in enumerate(lines):
        key, equals, _ = line.partition(" = ")
        if not equals or key.startswith("#"):
            continue
        changed = [*lines[:number], f"{key} = {value}", *lines[number + 1 :]]
        odd.write_text("\n".join(changed), encoding="utf-8")

        try:
            read(odd)
        except BadInput as refused:
            assert_plain(str(refused), odd, "")


def test_random_bytes_in_a_file_are_read_or_refused(tmp_path: Path) -> None:
    sound = SOUND.encode()
    dice = random.Random(20261123)  # noqa: S311
    path = tmp_path / "random.toml"
    for _ in range(150):
        at = dice.randrange(len(sound))
        path.write_bytes(sound[:at] + dice.randbytes(dice.randint(0, 3)) + sound[at + 1 :])

        try:
            read(path)
        except BadInput as refused:
            assert_plain(str(refused).replace("\n", " "), path, "")


def test_percentage_of_a_value_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    # Untreated HbA1c of -1 % is a typing error that only a percentage brings to light.
    damaged = SOUND.replace(EFFECT, PERCENT).replace(MEAN, "control_mean = -1")
    path = written(tmp_path, damaged)

    assert_plain(refusal(path), path, "hba1c")
