"""Any PEFT method by name: `attach` it, let it `initialise`, train with its `optimizer`, `save_adapter`."""

from videomind.training.methods.attach import attach
from videomind.training.methods.beginning import adapter_state, load_adapter_state
from videomind.training.methods.from_data import NEEDS_DATA, initialise
from videomind.training.methods.optimizers import default_learning_rate, optimizer
from videomind.training.methods.save import save_adapter
from videomind.training.methods.settings import peft_config
from videomind.training.methods.table import METHODS, Method

__all__ = [
    "METHODS",
    "NEEDS_DATA",
    "Method",
    "adapter_state",
    "attach",
    "default_learning_rate",
    "initialise",
    "load_adapter_state",
    "optimizer",
    "peft_config",
    "save_adapter",
]
