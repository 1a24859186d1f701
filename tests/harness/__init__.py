"""Real servers and the sluice program, for tests. Small verbs only: start, stop, kill, run."""
