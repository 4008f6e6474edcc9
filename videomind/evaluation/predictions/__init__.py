"""Predictions in files, read from the layouts that they are published in."""

from videomind.evaluation.predictions.read import read_predictions

__all__ = ["read_predictions"]
