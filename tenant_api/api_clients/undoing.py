"""Takes back an API client for which the provider made no credential."""

from sqlmodel import col, delete, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.tables import ApiClient, Application


async def forget_api_client(session: AsyncSession, key: str, *, with_application: bool) -> None:
    """Delete the row, and that of its application unless somebody has given it another API client meanwhile."""
    of_client = select(ApiClient.application_id).where(col(ApiClient.client_id) == key)
    locked = select(Application.id).where(col(Application.id).in_(of_client)).with_for_update()
    application_id = (await session.exec(locked)).first()
    await session.exec(delete(ApiClient).where(col(ApiClient.client_id) == key))
    if with_application:
        others = exists().where(col(ApiClient.application_id) == application_id)
        await session.exec(delete(Application).where(col(Application.id) == application_id, ~others))
