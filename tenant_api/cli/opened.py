"""The parts of a service, opened by a command that works on its database directly."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenant_api.backing import attached
from tenant_api.kernel.logging import setup_logging
from tenant_api.runtime import open_runtime
from tenant_api.service.schema import require_current
from tenant_api.settings import load_settings
from tenant_api.settings.tree import LogSettings
from tenant_api.web.state import Runtime


@asynccontextmanager
async def opened() -> AsyncIterator[Runtime]:
    """A runtime beside the service's own; its database must be of this version."""
    settings = load_settings(os.environ)
    # What happens is shown as progress; the log is for what goes wrong.
    setup_logging(LogSettings(level="WARNING", format="console"))
    with attached(settings) as backing:
        require_current(backing.database_url)
        async with open_runtime(settings, backing) as runtime:
            yield runtime
