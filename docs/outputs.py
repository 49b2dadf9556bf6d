"""Run the commands on pages anew, and write what they print below them.

    uv run python docs/outputs.py

A block of commands is marked ``bash``; a block without a mark that follows it is their output. The
last line of a page says what its outputs are of; a test compares it with the current versions.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.evidence.load import load_evidence
from phase2sim.prior.storage import MODEL_VERSION

ROOT = Path(__file__).parents[1]
PAGES = tuple(ROOT / "docs" / "guide" / name for name in ("sweeps.md",))
SHIPPED = ("gxipc1", "t1d-natural-history")
LINES = r"((?!```).*\n)+"
BLOCK = re.compile(rf"^```bash\n(?P<commands>{LINES})```\n\n```\n{LINES}```$", re.MULTILINE)
STAMP = re.compile(r"^The outputs on this page are of .*$", re.MULTILINE)
WIDTH = 120


def stamp() -> str:
    """Say what outputs depend on."""
    evidence = load_evidence([ROOT / "priors" / f"{name}.toml" for name in SHIPPED])
    return (
        f"The outputs on this page are of evidence `{evidence.digest[:12]}`, model version"
        f" {MODEL_VERSION} and results version {RESULTS_VERSION}."
    )


def printed(commands: str, folder: Path) -> str:
    """Output of shell commands; the message of one that fails as well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": str(WIDTH)}
    sys.stderr.write(commands)
    done = subprocess.run(  # noqa: S602 - commands of our own pages
        commands, shell=True, cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    text = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


def refresh(page: Path, folder: Path) -> None:
    """Write the outputs of a page anew."""

    def rerun(block: re.Match[str]) -> str:
        commands = block["commands"]
        return f"```bash\n{commands}```\n\n```\n{printed(commands, folder)}```"

    text = BLOCK.sub(rerun, page.read_text(encoding="utf-8"))
    page.write_text(STAMP.sub(stamp(), text), encoding="utf-8")


def main() -> None:
    """Refresh all pages, in one copy of the shipped files."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("scenarios", "priors"):
            shutil.copytree(ROOT / name, Path(temporary) / name)
        for page in PAGES:
            refresh(page, Path(temporary))


if __name__ == "__main__":
    main()
