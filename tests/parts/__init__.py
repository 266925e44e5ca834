"""Real components for tests: given by environment, else found, else started and stopped by their own process id."""
