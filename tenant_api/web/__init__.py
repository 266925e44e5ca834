"""The HTTP floor: what every feature needs to speak the contract."""
