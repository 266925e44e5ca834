"""The templates that come with the provisioner, made on first start."""

import structlog

from tenant_api.templates.importing import ImportRunningError, import_template
from tenant_api.templates.repository import TemplateRepository
from tenant_api.web.state import Runtime

logger = structlog.get_logger(__name__)


async def ensure_samples(runtime: Runtime) -> None:
    """Import the templates that come with the provisioner and are not there yet. Safe on every start."""
    for name, archive in runtime.provisioner.samples().items():
        if name in await _names(runtime):
            continue
        try:
            with archive as path:
                async for progress in import_template(runtime, name, path):
                    logger.info("template.import", template=name, progress=progress.message)
        except ImportRunningError:
            logger.info("template.import.elsewhere", template=name)


async def _names(runtime: Runtime) -> set[str]:
    async with runtime.sessions() as session:
        return {row.name for row in await TemplateRepository(session, runtime.provisioner.server).current()}
