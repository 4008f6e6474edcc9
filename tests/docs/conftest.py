"""The server that the examples of the documentation talk to."""

from tests.serve.api.conftest import demo_video, live  # noqa: F401  (fixtures)
