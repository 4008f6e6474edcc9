"""How good the embedded model is on held-out synthetic videos, through the agent; `python -m benchmarks.nano`."""
