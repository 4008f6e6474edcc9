"""HTTP API and chat page: nothing stands here yet."""
