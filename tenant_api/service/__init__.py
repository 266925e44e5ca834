"""One running process: the API with its workers, or a worker alone."""
