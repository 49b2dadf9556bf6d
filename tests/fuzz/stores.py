"""Folders of results whose files are damaged, lost, swapped or added to."""

import tempfile
from functools import cache
from pathlib import Path

from fuzz.case import Case, Dice
from fuzz.damaged_bytes import damaged_bytes
from fuzz.judge import run
from fuzz.scenarios import files_of
from fuzz.sound import ONE
from fuzz.sweeps import SIZES, SWEEP
from fuzz.toml_text import toml

FOLDER = "results"
SWEPT = ("sweep", SWEEP, "--out", FOLDER, "--trials", "4", "--json")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("results", FOLDER, "--json"), ("results", FOLDER), ("results", FOLDER, "--csv"), SWEPT,
    ("score", FOLDER, "--decision", "{ kind = 'significance', one_sided_alpha = 0.05 }", "--json"),
)  # fmt: skip


@cache
def sound_store() -> dict[str, bytes]:
    """The files of a small folder of results, by their places."""
    files = {**files_of(ONE), SWEEP: toml(SIZES).encode()}
    with tempfile.TemporaryDirectory() as folder:
        result = run(Case("", SWEPT, files), Path(folder))
        assert result.exit_code == 0, result.output
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


@cache
def _answer(command: tuple[str, ...]) -> str:
    """What a command prints of the sound folder."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(Case("", command, sound_store()), Path(folder))
        assert result.exit_code == 0, result.output
        return result.stdout


def store_case(dice: Dice) -> Case:
    """A folder with a damaged file: the same answer, or a refusal that names the folder's file."""
    files = dict(sound_store())
    names = [name for name in files if name.startswith(f"{FOLDER}/")]
    name = dice.choice(names)
    way = dice.randrange(8)
    if way == 0:
        del files[name]
        said = "lost"
    elif way == 1:
        other = dice.choice(names)
        files[name], said = files[other], f"holds {other}"
    elif way == 2:
        files[f"{name}{dice.choice(('~', '.bak', '.tmp'))}"], said = files[name], "copied beside"
    else:
        files[name], said = damaged_bytes(files[name], dice)
    command = dice.choice(COMMANDS)
    answer = None if command == SWEPT or name.endswith(".json") else _answer(command)
    return Case(f"{name}: {said}", command, files, typed=(FOLDER,), answer=answer)
