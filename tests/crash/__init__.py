"""Kills processes at every statement, and proves that nothing is lost, doubled, orphaned or stuck."""
