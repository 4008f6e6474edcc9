"""Annotations as they are published: what reading them for training and for evaluation has in common."""
