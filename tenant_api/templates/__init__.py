"""Templates: sealed databases from which managed data stores are cloned."""
