"""Who gets which arm, in the order patients come."""

from phase2sim.core.patient_parts import Randomisation
from phase2sim.trial.patients.randomisation.blocks import PermutedBlocks, StratifiedBlocks
from phase2sim.trial.patients.randomisation.minimisation import Minimisation
from phase2sim.trial.patients.randomisation.simple import Simple

RANDOMISATIONS: dict[str, type[Randomisation]] = {
    "permuted_blocks": PermutedBlocks,
    "simple": Simple,
    "stratified_blocks": StratifiedBlocks,
    "minimisation": Minimisation,
}
