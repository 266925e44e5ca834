"""Measures the service side by side with what it is built on, in one run."""
