"""The HTTP server around one running agent."""
