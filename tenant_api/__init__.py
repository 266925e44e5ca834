"""The control plane of an Ed-Fi fleet: tenants, credentials and the databases behind them."""

__version__ = "0.1.0"
