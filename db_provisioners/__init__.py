"""Database provisioners: the contract, its test suite, a memory fake and the built-in plugins."""
