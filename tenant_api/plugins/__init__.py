"""How plugins are found, opened and guarded; knows contracts only."""
