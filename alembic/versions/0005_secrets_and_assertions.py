"""Several secrets per client, clients' public keys, registrations, revoked signing keys, answers to rotations.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ALGORITHMS = "alter table idp_keys add constraint ck_idp_keys_algorithm check (algorithm in ({}))"


def upgrade() -> None:
    _several_secrets()
    _proofs_without_secrets()
    _ended_keys_and_tokens()
    op.create_table(
        "api_client_secret_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("api_client_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("answer_sealed", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_client_id"],
            ["api_clients.id"],
            name="fk_api_client_secret_answers_api_client_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_client_secret_answers"),
        sa.UniqueConstraint(
            "api_client_id", "idempotency_key", name="uq_api_client_secret_answers_api_client_id_idempotency_key"
        ),
    )
    op.create_index("ix_api_client_secret_answers_expires_at", "api_client_secret_answers", ["expires_at"])


def _several_secrets() -> None:
    op.execute(
        """
        create table idp_client_secrets (
            id uuid not null default gen_random_uuid(),
            client_id text not null,
            hash text not null,
            label text not null default '',
            created_at timestamptz not null default now(),
            not_before timestamptz,
            expires_at timestamptz,
            last_used_at timestamptz,
            constraint pk_idp_client_secrets primary key (id),
            constraint fk_idp_client_secrets_client_id foreign key (client_id)
                references idp_clients (client_id) on delete cascade,
            constraint ck_idp_client_secrets_label check (char_length(label) <= 100)
        )
        """
    )
    op.execute("create index ix_idp_client_secrets_client_id on idp_client_secrets (client_id)")
    op.execute("create index ix_idp_client_secrets_created_at on idp_client_secrets (created_at)")
    op.execute("create index ix_idp_client_secrets_expires_at on idp_client_secrets (expires_at)")
    op.execute(
        """
        insert into idp_client_secrets (client_id, hash, created_at)
        select client_id, secret, updated_at from idp_clients where secret <> ''
        """
    )
    # Whoever writes idp_clients.secret sets the one secret of a client: this service when it creates or resets, and
    # replicas of the version before, which know of no other. They also read it, so the column stays for now; a better
    # hash of a secret that is there is no new one.
    op.execute(
        """
        create function idp_clients_only_secret() returns trigger language plpgsql as $$
        begin
            if exists (select from idp_client_secrets where client_id = new.client_id and hash = new.secret) then
                return null;
            end if;
            delete from idp_client_secrets where client_id = new.client_id;
            insert into idp_client_secrets (client_id, hash) values (new.client_id, new.secret);
            return null;
        end $$
        """
    )
    op.execute(
        """
        create trigger idp_clients_only_secret after insert or update of secret on idp_clients
        for each row when (new.secret <> '') execute function idp_clients_only_secret()
        """
    )


def _proofs_without_secrets() -> None:
    op.execute("alter table idp_clients add column keys jsonb")
    op.execute("comment on column idp_clients.keys is 'public keys (JWK) that verify assertions of the client'")
    op.execute(
        """
        create table idp_assertions (
            client_id text not null,
            jti text not null,
            expires_at timestamptz not null,
            constraint pk_idp_assertions primary key (client_id, jti)
        )
        """
    )
    op.execute("create index ix_idp_assertions_expires_at on idp_assertions (expires_at)")
    op.execute(
        """
        create table idp_registrations (
            client_id text not null,
            access_token text not null,
            method text not null,
            issued_at timestamptz not null default now(),
            constraint pk_idp_registrations primary key (client_id),
            constraint fk_idp_registrations_client_id foreign key (client_id)
                references idp_clients (client_id) on delete cascade,
            constraint ck_idp_registrations_method
                check (method in ('client_secret_basic', 'client_secret_post', 'private_key_jwt'))
        )
        """
    )
    op.execute("comment on column idp_registrations.access_token is 'keyed digest'")
    op.execute("create index ix_idp_clients_not_managed on idp_clients (client_id) where not managed")


def _ended_keys_and_tokens() -> None:
    op.execute("alter table idp_keys drop constraint ck_idp_keys_algorithm")
    op.execute(_ALGORITHMS.format("'RS256', 'PS256', 'ES256', 'EdDSA'"))
    op.execute(
        """
        create table idp_revoked_keys (
            kid text not null,
            algorithm text not null,
            published_at timestamptz not null,
            activated_at timestamptz,
            revoked_at timestamptz not null,
            constraint pk_idp_revoked_keys primary key (kid)
        )
        """
    )
    op.execute("alter table idp_clients add column tokens_since timestamptz")
    op.execute("comment on column idp_clients.tokens_since is 'tokens that were issued before count no longer'")


def downgrade() -> None:
    op.drop_table("api_client_secret_answers")
    op.execute("alter table idp_clients drop column tokens_since")
    op.execute("drop table idp_revoked_keys")
    op.execute("alter table idp_keys drop constraint ck_idp_keys_algorithm")
    op.execute("delete from idp_keys where algorithm not in ('RS256', 'ES256')")
    op.execute(_ALGORITHMS.format("'RS256', 'ES256'"))
    op.execute("drop index ix_idp_clients_not_managed")
    op.execute("drop table idp_registrations")
    op.execute("drop table idp_assertions")
    op.execute("alter table idp_clients drop column keys")
    op.execute("drop trigger idp_clients_only_secret on idp_clients")
    op.execute("drop function idp_clients_only_secret()")
    # The one secret that the version before knows is the newest live one; removed and ended ones must not come back.
    op.execute(
        """
        update idp_clients set secret = coalesce(
            (select hash from idp_client_secrets as live
             where live.client_id = idp_clients.client_id
             and (not_before is null or not_before <= now()) and (expires_at is null or expires_at > now())
             order by created_at desc limit 1), '')
        """
    )
    op.execute("drop table idp_client_secrets")
