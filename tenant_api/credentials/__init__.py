"""The secrets and public keys of one API client, several at a time (beyond the contract)."""
