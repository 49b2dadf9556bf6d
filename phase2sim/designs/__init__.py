"""Who gets what and when we look."""

from phase2sim.designs.design import Design
from phase2sim.designs.fixed import Fixed
from phase2sim.designs.group_sequential import GroupSequential
from phase2sim.designs.multi_arm_multi_stage import MultiArmMultiStage

DESIGNS: dict[str, type[Design]] = {
    "fixed": Fixed,
    "group_sequential": GroupSequential,
    "multi_arm_multi_stage": MultiArmMultiStage,
}
