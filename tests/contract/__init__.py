"""Every status, type and message of the contract, asserted word for word."""
