"""Files that a command is told to read or write, and keys that are too deep."""

import os
from pathlib import Path

import pytest
from support.commands import SMALL, phase2sim

READERS = [
    ["run", "{}"], ["size", "{}", "--power", "0.8"], ["calibrate", "{}"], ["safety", "{}"],
    ["boundaries", "{}"], ["report", "{}"], ["protocol", "{}"], ["replay", "{}", "--trial", "1"],
    ["compare", "{}", "{}"], ["analyse", "{}", "x.csv"], ["analyse", "{small}", "{}"],
    ["sweep", "{}", "--out", "out"], ["verify", "{}"],
]  # fmt: skip
WRITERS = [
    ["report", "{small}", "--out"], ["report", "{small}", "--docx"],
    ["protocol", "{small}", "--out"], ["replay", "{small}", "--trial", "1", "--out"],
    ["results", "{small}", "--parquet"],
    ["prior", "export", "gxipc1", "--mixture", "effect", "--endpoint", "hba1c", "--out"],
]  # fmt: skip
needs_posix = pytest.mark.skipif(os.name != "posix", reason="devices and pipes of POSIX")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@needs_posix
@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_what_is_no_file_is_refused_before_it_is_read(
    command: list[str], small: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)

    for path, kind in ((Path("/dev/zero"), "a device"), (pipe, "a pipe"), (tmp_path, "a folder")):
        if path == tmp_path and command[0] in {"report", "protocol"}:
            continue  # a folder of results is theirs
        done = phase2sim(*(word.format(path, small=small) for word in command))

        assert done.exit_code == 2
        assert f"{path}: is {kind}, not a file." in done.stderr


@needs_posix
def test_evidence_that_is_no_file_is_refused_by_what_it_is(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe.toml", tmp_path / "folder.toml"
    os.mkfifo(pipe)
    folder.mkdir()
    wrong = {
        pipe: "is a pipe, not a file",
        folder: "is a folder, not a file",
        Path("/dev/null"): "does not end in .toml",
    }

    for path, said in wrong.items():
        for words in (["fit"], ["evidence", "show"], ["prior", "show"]):
            done = phase2sim(*words, path)

            assert done.exit_code == 2
            assert f"{path}: {said}" in done.stderr


@pytest.mark.parametrize("command", WRITERS, ids=lambda command: command[0])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    command: list[str], small: Path, tmp_path: Path
) -> None:
    words = [word.format(small=small) for word in command]
    suffix = {"--docx": ".docx", "--out": ".html", "--parquet": ".parquet"}[words[-1]]
    (tmp_path / f"folder{suffix}").mkdir()
    places = {
        tmp_path / f"folder{suffix}": "is a folder, not a file",
        tmp_path / "none" / f"a{suffix}": "there is no folder",
        tmp_path / f"{'a' * 300}{suffix}": "name too long",
    }
    for place, wrong in places.items():
        done = phase2sim(*words, place)

        assert done.exit_code == 2
        assert str(place) in done.stderr
        assert wrong in done.stderr
        assert "trials" not in done.stderr  # none was simulated


@needs_posix
def test_a_device_is_never_replaced(small: Path) -> None:
    done = phase2sim("protocol", small, "--out", "/dev/null")

    assert done.exit_code == 2
    assert Path("/dev/null").is_char_device()


def test_a_name_of_300_characters_is_refused_or_only_printed(small: Path, tmp_path: Path) -> None:
    name = "n" * 300
    titled = phase2sim("run", small, "--trials", 20, "--set", f"title={name}")

    assert titled.exit_code == 0
    for command in (["run", f"{name}.toml"], ["init", name], ["fit", name], ["verify", name]):
        done = phase2sim(*command)
        assert (done.exit_code, name in done.stderr) == (2, True)
    assert phase2sim("sweep", small, "--out", tmp_path / name).exit_code in {1, 2}


@pytest.mark.parametrize("levels", [40, 2_000, 50_000])
def test_keys_that_are_too_deep_are_refused_by_name(
    levels: int, small: Path, tmp_path: Path
) -> None:
    path = ".".join(["a"] * levels)
    deep = tmp_path / "deep.toml"
    deep.write_text(f"{SMALL}\n[truth.{path}]\nb = 1\n", encoding="utf-8")
    nested = tmp_path / "nested.toml"
    nested.write_text(f"x = {'[' * levels}{']' * levels}\n", encoding="utf-8")

    for command in (
        ["run", small, "--set", f"truth.{path}=1"],
        ["run", small, "--set", f"{path}=1"],
        ["run", small, "--set", f"x={'[' * levels}{']' * levels}"],
        ["run", deep],
        ["run", nested],
        ["sweep", deep, "--out", tmp_path / "out"],
        ["evidence", "show", deep],
    ):
        done = phase2sim(*command)
        assert done.exit_code == 2
        assert isinstance(done.exception, SystemExit)
        assert len(done.stderr) < 1000
