"""Commented files to start a scenario and its evidence from."""

import re
from importlib.resources import files
from pathlib import Path

from phase2sim.core.errors import BadInput
from phase2sim.core.io.atomic_files import write_text
from phase2sim.core.io.plain_files import reason_of

_FOLDERS = {"scenario.toml": "scenarios", "evidence.toml": "priors"}
_NATURAL_HISTORY = "t1d-natural-history"  # offered where there is such a file
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]*[A-Za-z0-9_-])?")


def write_templates(folder: Path, name: str) -> list[Path]:
    """Write both files; raises ``BadInput`` for a name that is none, or a file that is there."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"NAME is {name!r}; it becomes a file's name: letters, digits, spaces, - and _. Choose"
            " another."
        )
    places = {kind: folder / subfolder / f"{name}.toml" for kind, subfolder in _FOLDERS.items()}
    for path in places.values():
        if path.exists():
            raise BadInput(f"{path}: is there already. Choose another name, or move it away.")
    for kind, path in places.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"{path.parent}: cannot be made: {reason_of(error)}. Name a --folder."
            ) from None
        text = files(__name__).joinpath(kind).read_text(encoding="utf-8")
        if not (folder / "priors" / f"{_NATURAL_HISTORY}.toml").exists():
            text = text.replace(f', "{_NATURAL_HISTORY}"', "")
        write_text(path, text.replace("my-trial", name))
    return list(places.values())
