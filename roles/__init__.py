"""The four roles without any model: prompts, views, reply parsing. Pure Python."""
