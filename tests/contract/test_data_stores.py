"""Data stores, word for word (contract sections 1.13 and 2.4)."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tests.api import bodies
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem
from tests.api.service import Api, environment

pytestmark = pytest.mark.anyio

PATH = "/v3/dataStores"
KEY = environment("")["TENANT_API_KEYS__CONNECTION_STRINGS"].ljust(32, "0")[:32].encode()


def decrypted(sent: str) -> str:
    """As a data plane does it: base64, IV in front, AES-256-CBC, PKCS7."""
    blob = base64.b64decode(sent, validate=True)
    cipher, padding = Cipher(AES(KEY), CBC(blob[:16])).decryptor(), PKCS7(128).unpadder()
    padded = cipher.update(blob[16:]) + cipher.finalize()
    return (padding.update(padded) + padding.finalize()).decode()


async def test_a_new_data_store_is_announced(shared: Api) -> None:
    answer = await shared.post(PATH, bodies.data_store(name="Year 2026"))
    store = answer.json()["id"]
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["location"] == f"http://tenant-api.test/v3/dataStores/{store}"
    title = "New DataStore Year 2026 has been created successfully."
    assert list(answer.json().items()) == [("id", store), ("status", 201), ("title", title)]


async def test_a_read_has_exactly_the_members_of_the_contract(shared: Api) -> None:
    store = await shared.made(PATH, bodies.data_store(connectionString="host=a;"))
    contexts = {
        key: await shared.made("/v3/dataStoreContexts", bodies.context(store, contextKey=key)) for key in ("b", "a")
    }
    derivative = await shared.made("/v3/dataStoreDerivatives", bodies.derivative(store, connectionString="host=b;"))
    shown = (await shared.get(f"{PATH}/{store}")).json()
    assert list(shown) == [
        "id",
        "dataStoreType",
        "name",
        "connectionString",
        "dataStoreContexts",
        "dataStoreDerivatives",
        "tenantId",
    ]
    assert shown["tenantId"] is None
    assert decrypted(shown["connectionString"]) == "host=a;"
    assert shown["dataStoreContexts"] == [
        {"id": contexts[key], "dataStoreId": store, "contextKey": key, "contextValue": "2026"} for key in ("a", "b")
    ]
    [replica] = shown["dataStoreDerivatives"]
    assert list(replica) == ["id", "dataStoreId", "derivativeType", "connectionString"]
    assert (replica["id"], decrypted(replica["connectionString"])) == (derivative, "host=b;")
    [listed] = (await shared.get(f"{PATH}?id={store}")).json()
    assert list(listed) == list(shown)


@pytest.mark.parametrize("text", ["\0", "host=a;password=b\0c;", " ", "not a connection string", "x=\U0001f989\r\n"])
async def test_no_connection_string_is_refused_for_its_content(shared: Api, text: str) -> None:
    store = await shared.made(PATH, bodies.data_store())
    derivative = await shared.made("/v3/dataStoreDerivatives", bodies.derivative(store))
    for path, body in [
        (f"{PATH}/{store}", bodies.data_store(id=store, connectionString=text)),
        (f"/v3/dataStoreDerivatives/{derivative}", bodies.derivative(store, id=derivative, connectionString=text)),
    ]:
        assert (await shared.put(path, body)).status_code == 204
        assert decrypted((await shared.get(path)).json()["connectionString"]) == text
    assert (await shared.post(PATH, bodies.data_store(connectionString=text))).status_code == 201


async def test_what_was_read_is_encrypted_once_more_when_it_is_written(shared: Api) -> None:
    store = await shared.made(PATH, bodies.data_store(connectionString="host=a;"))
    first = (await shared.get(f"{PATH}/{store}")).json()
    answer = await shared.put(f"{PATH}/{store}", first)
    assert (answer.status_code, answer.content) == (204, b"")
    again = (await shared.get(f"{PATH}/{store}")).json()
    assert decrypted(again["connectionString"]) == first["connectionString"]


@pytest.mark.parametrize("change", [{"connectionString": None}, {"connectionString": ""}, {}])
async def test_a_put_without_a_connection_string_wipes_it(shared: Api, change: dict[str, Any]) -> None:
    store = await shared.made(PATH, bodies.data_store())
    body = bodies.without(bodies.data_store(id=store), "connectionString") | change
    assert (await shared.put(f"{PATH}/{store}", body)).status_code == 204
    assert (await shared.get(f"{PATH}/{store}")).json()["connectionString"] is None


@pytest.mark.parametrize(
    ("change", "member", "message"),
    [
        ({"dataStoreType": ""}, "DataStoreType", "'Data Store Type' must not be empty."),
        (
            {"dataStoreType": "x" * 51},
            "DataStoreType",
            "The length of 'Data Store Type' must be 50 characters or fewer. You entered 51 characters.",
        ),
        ({"name": None}, "Name", "'Name' must not be empty."),
        (
            {"name": "x" * 257},
            "Name",
            "The length of 'Name' must be 256 characters or fewer. You entered 257 characters.",
        ),
        (
            {"connectionString": "x" * 1010},
            "ConnectionString",
            "The length of 'Connection String' must be 1000 characters or fewer. You entered 1010 characters.",
        ),
    ],
)
async def test_every_rule_of_a_member(shared: Api, change: bodies.Body, member: str, message: str) -> None:
    breaks_rules(await shared.post(PATH, bodies.data_store(**change)), {member: [message]})
    breaks_rules(await shared.put(f"{PATH}/7", bodies.data_store(id=7, **change)), {member: [message]})


async def test_omitted_members_meet_the_rules(shared: Api) -> None:
    missing = {"DataStoreType": ["'Data Store Type' must not be empty."], "Name": ["'Name' must not be empty."]}
    breaks_rules(await shared.post(PATH, {}), missing)


async def test_a_data_store_that_is_not_there(shared: Api) -> None:
    gone = "DataStore 999999 not found. It may have been recently deleted."
    is_missing(await shared.get(f"{PATH}/999999"), gone)
    is_missing(await shared.put(f"{PATH}/999999", bodies.data_store(id=999_999)), gone)
    is_missing(await shared.delete(f"{PATH}/999999"), gone)
    is_missing(await shared.get(f"{PATH}/999999/applications"), gone)


async def test_a_delete_takes_all_below_it(shared: Api) -> None:
    store = await shared.made(PATH, bodies.data_store())
    context = await shared.made("/v3/dataStoreContexts", bodies.context(store))
    derivative = await shared.made("/v3/dataStoreDerivatives", bodies.derivative(store))
    answer = await shared.delete(f"{PATH}/{store}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"/v3/dataStoreContexts/{context}")).status_code == 404
    assert (await shared.get(f"/v3/dataStoreDerivatives/{derivative}")).status_code == 404


async def test_its_applications_and_their_pages(shared: Api) -> None:
    store = await shared.made(PATH, bodies.data_store())
    path = f"{PATH}/{store}/applications"
    assert (await shared.get(path)).json() == []
    negative, nothing = "'offset' must be greater than or equal to 0.", "'limit' must be greater than 0."
    is_bad_parameter(await shared.get(f"{path}?offset=-1&limit=-1"), negative, nothing)
    is_bad_parameter(await shared.get(f"{path}?limit=x"), "The request contains one or more invalid parameters.")


async def test_a_connection_string_that_no_key_opens_tells_nobody_anything(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await api.made(PATH, bodies.data_store(connectionString="host=db;password=hunter2"))
    async with api.runtime.pool.connection() as connection:
        cursor = await connection.execute(
            "UPDATE data_stores SET connection_string_sealed = replace(connection_string_sealed, 'v1.k1.', 'v1.k9.') "
            "RETURNING connection_string_sealed AS sealed"
        )
        [row] = await cursor.fetchall()
    capsys.readouterr()
    for path in (f"{PATH}/{store}", PATH):
        is_problem(await api.get(path), 500, "internal-server-error", "")
    log = capsys.readouterr().err
    assert f'"table": "data_stores", "id": {store},' in log
    assert [secret for secret in (row["sealed"], KEY.decode(), "hunter2", "k9") if secret in log] == []
