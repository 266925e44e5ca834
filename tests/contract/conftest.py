"""The services of `tests/api`, for tests that were written from the contract alone."""

from tests.api.conftest import api, fleet, prepared, service_url, shared, shared_fleet

__all__ = ["api", "fleet", "prepared", "service_url", "shared", "shared_fleet"]
