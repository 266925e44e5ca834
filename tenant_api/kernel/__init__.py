"""Words that every part of the service shares; imports nothing of ours, no HTTP and no SQL."""
