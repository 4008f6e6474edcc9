"""Metrics as pure functions of numbers, one idea per file."""
