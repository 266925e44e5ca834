-- Copies one client of Keycloak 26 for every row of `crowd (key, secret)`: what its service makes for a client of its
-- administration API, table by table. Ids follow from the key.

CREATE TEMP TABLE made AS
SELECT crowd.key, crowd.secret, md5('client ' || crowd.key)::uuid::text AS client, md5('user ' || crowd.key)::uuid::text AS account,
       model.id AS model, model.client_id AS model_key, person.id AS model_account
FROM crowd, client AS model JOIN user_entity AS person ON person.service_account_client_link = model.id
WHERE model.client_id = (SELECT key FROM model_key) AND crowd.key <> model.client_id;

INSERT INTO client
SELECT (jsonb_populate_record(original, jsonb_build_object('id', made.client, 'client_id', made.key, 'secret', made.secret))).*
FROM made JOIN client AS original ON original.id = made.model;

INSERT INTO client_attributes (client_id, name, value)
SELECT made.client, held.name, held.value FROM made JOIN client_attributes AS held ON held.client_id = made.model;

INSERT INTO client_scope_client (client_id, scope_id, default_scope)
SELECT made.client, held.scope_id, held.default_scope
FROM made JOIN client_scope_client AS held ON held.client_id = made.model;

INSERT INTO protocol_mapper (id, name, protocol, protocol_mapper_name, client_id)
SELECT md5(held.id || made.key)::uuid::text, held.name, held.protocol, held.protocol_mapper_name, made.client
FROM made JOIN protocol_mapper AS held ON held.client_id = made.model;

INSERT INTO protocol_mapper_config (protocol_mapper_id, name, value)
SELECT md5(held.id || made.key)::uuid::text, part.name, replace(part.value, made.model_key, made.key)
FROM made JOIN protocol_mapper AS held ON held.client_id = made.model
JOIN protocol_mapper_config AS part ON part.protocol_mapper_id = held.id;

INSERT INTO user_entity
SELECT (jsonb_populate_record(person, jsonb_build_object(
    'id', made.account, 'email_constraint', made.account, 'username', 'service-account-' || made.key,
    'service_account_client_link', made.client
))).*
FROM made JOIN user_entity AS person ON person.id = made.model_account;

INSERT INTO user_role_mapping (role_id, user_id)
SELECT held.role_id, made.account FROM made JOIN user_role_mapping AS held ON held.user_id = made.model_account;
