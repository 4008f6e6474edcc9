"""VideoMind: ask a question about a video, get the answer with the moment that proves it."""
