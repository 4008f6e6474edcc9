"""The stages of training a small backbone from nothing: eyes, language, roles."""
