"""What `report` and `protocol` share: a scenario or a folder of results becomes a dossier."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from phase2sim.backends import backend
from phase2sim.cli.screen import say, sweep_progress
from phase2sim.dossier.dossier import Dossier, Wish, gather, simulate_for
from phase2sim.errors import BadInput
from phase2sim.scenario import load_scenario


def dossier_of(
    source: Path, store: Path | None, wish: Wish, workers: int, words: Sequence[str]
) -> Dossier:
    """Simulate what is lacking for a scenario, and read what a report says."""
    said = shlex.join(words)
    if source.is_dir():
        if wish.trials or store:
            raise BadInput(
                f"{source}: a folder of results; --trials and --store are for a scenario. Leave"
                " them out; `phase2sim sweep` into the folder adds trials."
            )
        return gather(source, said, wish, say=say)
    scenario = load_scenario(source)
    folder = store or Path("results") / f"{source.stem}-report"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with backend(workers) as at, sweep_progress() as progress:
        main = simulate_for(scenario, folder, wish, at, words, say, progress)
    return gather(folder, said, wish, main, say)
