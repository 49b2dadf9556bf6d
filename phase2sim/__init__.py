"""Simulation, power and assurance for the phase 2 trial that follows a phase 1."""
