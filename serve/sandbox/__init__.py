"""Whatever parses a file from outside, in processes that may do little and not for long."""
