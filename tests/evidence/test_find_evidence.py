"""Where an evidence file is looked for, by name or path."""

from pathlib import Path

import pytest

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.load import find_evidence


def test_name_is_found_in_the_priors_beside_the_scenarios(tmp_path: Path) -> None:
    scenario = tmp_path / "scenarios" / "mine.toml"
    wanted = tmp_path / "priors" / "mine.toml"
    wanted.parent.mkdir()
    wanted.touch()

    assert find_evidence("mine", scenario) == wanted


def test_name_is_found_in_the_scenarios_own_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()

    assert find_evidence("mine", tmp_path / "scenario.toml") == tmp_path / "mine.toml"


def test_name_is_found_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert find_evidence("mine", None) == Path("priors/mine.toml")


def test_path_is_used_as_it_is_or_from_the_scenarios_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "a.toml").touch()
    (tmp_path / "there" / "b.toml").touch()
    monkeypatch.chdir(tmp_path / "here")

    assert find_evidence("a.toml", None) == Path("a.toml")
    beside = tmp_path / "there" / "scenario.toml"
    assert find_evidence("b.toml", beside) == tmp_path / "there" / "b.toml"


def test_missing_name_says_where_it_looked_and_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "gxipc1.toml").touch()
    (tmp_path / "priors" / "zzz.toml").touch()

    with pytest.raises(BadEvidence, match="priors") as near:
        find_evidence("gxipc", tmp_path / "scenarios" / "mine.toml")
    with pytest.raises(BadEvidence, match="There are: gxipc1, zzz") as far:
        find_evidence("q", tmp_path / "scenarios" / "mine.toml")

    assert "Did you mean 'gxipc1'?" in str(near.value)
    assert "zzz" in str(near.value)
    assert "'q' was not found" in str(far.value)


def test_missing_path_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(BadEvidence, match=r"lost\.toml"):
        find_evidence("lost.toml", tmp_path / "scenario.toml")
