"""Role bundles, conversion of published checkpoints, and adapter switching on one resident backbone."""
