"""A measured number for people."""

from phase2sim.core.io.views import plus_minus
from phase2sim.core.measured import Measured


def cell(measured: Measured) -> str:
    """``0.802 +- 0.004``."""
    return plus_minus(measured.estimate, measured.mcse)
