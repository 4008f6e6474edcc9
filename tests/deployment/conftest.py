"""What the tests of the API have."""

from tests.serve.api.conftest import demo_video  # noqa: F401  (a fixture)
