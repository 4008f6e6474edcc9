"""The embedded model: its recipe, from nothing to a role bundle."""
