"""Who gets what and when we look."""

from phase2sim.designs.design import Design
from phase2sim.designs.fixed import Fixed
from phase2sim.designs.group_sequential import GroupSequential

DESIGNS: dict[str, type[Design]] = {
    "fixed": Fixed,
    "group_sequential": GroupSequential,
}
