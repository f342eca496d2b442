"""Trying it out: the simulated region, the demo, and completion."""

COMMANDS = {}
