"""Hot loops, each with its plain reference: temporal NMS, batched multi-LoRA."""
