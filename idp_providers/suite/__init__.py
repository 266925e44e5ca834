"""The parts of the contract test suite; `idp_providers.testing` puts them together."""
