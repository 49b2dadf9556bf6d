"""Who gets what and when we look."""

from phase2sim.trial.designs.design import Design
from phase2sim.trial.designs.fixed import Fixed
from phase2sim.trial.designs.group_sequential import GroupSequential
from phase2sim.trial.designs.multi_arm_multi_stage import MultiArmMultiStage

DESIGNS: dict[str, type[Design]] = {
    "fixed": Fixed,
    "group_sequential": GroupSequential,
    "multi_arm_multi_stage": MultiArmMultiStage,
}
