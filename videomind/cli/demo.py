"""`videomind demo`."""


def demo() -> None:
    """Demo."""
