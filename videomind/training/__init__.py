"""Training of role adapters: data, losses, stages, and the recipe of the embedded model (`videomind.training.nano`)."""
