"""The endpoints under /v1, in the shapes of OpenAI's API where it has one."""
