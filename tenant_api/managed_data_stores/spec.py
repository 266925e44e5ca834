"""A managed data store in the terms of its provisioner."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from db_provisioners.contract import DatabaseSpec, Handle, TemplateRef
from tenant_api.db.sealed import password_of
from tenant_api.db.tables import ManagedDataStore, Template
from tenant_api.kernel.secrets import scram_verifier
from tenant_api.web.state import Runtime


async def read_spec(session: AsyncSession, runtime: Runtime, target_id: UUID) -> tuple[DatabaseSpec, Handle, str]:
    """Specification, handle as last saved, and the login's password in the clear: keep it short-lived."""
    statement = (
        select(ManagedDataStore, Template)
        .join(Template, col(Template.id) == col(ManagedDataStore.template_id))
        .where(col(ManagedDataStore.target_id) == target_id)
    )
    row, template = (await session.exec(statement)).one()
    assert row.password_sealed is not None, "the seal is dropped with the database"
    password = runtime.sealer.unseal(row.password_sealed, password_of(target_id)).decode()
    reference = TemplateRef(
        name=template.name, handle=template.handle, fingerprint=template.fingerprint, ddl=template.ddl
    )
    spec = DatabaseSpec(
        target_id=target_id,
        physical_name=row.physical_name,
        template=reference,
        login_verifier=scram_verifier(password),
    )
    return spec, row.handle, password
