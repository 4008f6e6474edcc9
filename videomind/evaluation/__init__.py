"""Evaluation: what answers and moments are worth, measured as the field measures it."""
