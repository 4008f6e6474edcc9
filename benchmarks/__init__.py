"""Measured comparisons; raw results stand in `results/` as JSON lines."""
