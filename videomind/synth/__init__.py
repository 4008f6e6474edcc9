"""The synthetic world: videos whose events are known to the frame, and questions about them whose answers are known."""
