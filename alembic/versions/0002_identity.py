"""The built-in identity provider: clients, signing keys, revoked tokens."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table idp_clients (
            client_id text not null,
            secret text not null,
            display_name text not null default '',
            role text not null,
            scopes text[] not null default '{}',
            managed boolean not null default false,
            enabled boolean not null default true,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint pk_idp_clients primary key (client_id),
            constraint ck_idp_clients_client_id check (char_length(client_id) between 1 and 256)
        )
        """
    )
    op.execute("create unique index uq_idp_clients_lower_client_id on idp_clients (lower(client_id))")
    op.execute("comment on column idp_clients.managed is 'claims come from the application at signing time'")

    op.execute(
        """
        create table idp_keys (
            kid text not null,
            algorithm text not null,
            state text not null,
            private_key text,
            public_jwk jsonb not null,
            published_at timestamptz not null,
            activated_at timestamptz,
            retired_at timestamptz,
            constraint pk_idp_keys primary key (kid),
            constraint ck_idp_keys_algorithm check (algorithm in ('RS256', 'ES256')),
            constraint ck_idp_keys_state check (state in ('next', 'active', 'retired')),
            constraint ck_idp_keys_activated check ((activated_at is null) = (state = 'next')),
            constraint ck_idp_keys_retired check ((retired_at is null) = (state <> 'retired')),
            constraint ck_idp_keys_private_key check ((private_key is null) = (state = 'retired'))
        )
        """
    )
    op.execute("create unique index uq_idp_keys_state on idp_keys (state) where state in ('next', 'active')")
    op.execute("comment on column idp_keys.private_key is 'sealed; erased when the key retires'")

    op.execute(
        """
        create table idp_revoked_tokens (
            jti text not null,
            expires_at timestamptz not null,
            constraint pk_idp_revoked_tokens primary key (jti)
        )
        """
    )
    op.execute("create index ix_idp_revoked_tokens_expires_at on idp_revoked_tokens (expires_at)")


def downgrade() -> None:
    op.execute("drop table idp_revoked_tokens")
    op.execute("drop table idp_keys")
    op.execute("drop table idp_clients")
