"""Who gets what and when we look."""

from phase2sim.contracts import Design
from phase2sim.designs.fixed import Fixed

DESIGNS: dict[str, type[Design]] = {
    "fixed": Fixed,
}
