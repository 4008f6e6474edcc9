"""Alembic's scripts, written by hand: one per change of the tables."""
