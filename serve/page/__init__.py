"""The chat page: a film with its moments, and a conversation about it."""
