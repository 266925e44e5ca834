"""Wire models name every broken rule and never stumble over a value."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tenant_api.api_clients.schemas import ApiClientCreate
from tenant_api.applications.schemas import ApplicationReplace
from tenant_api.data_stores.schemas import DataStoreReplace
from tenant_api.tenants.schemas import TenantCreate
from tenant_api.vendors.schemas import VendorCreate, VendorReplace
from tenant_api.web.rules import utf16_length
from tenant_api.web.wire import WriteModel, pascal_case

MODELS = [ApiClientCreate, ApplicationReplace, DataStoreReplace, TenantCreate, VendorCreate, VendorReplace]
QUICK = settings(deadline=None, max_examples=50)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(data=st.data())
def test_any_json_fits_or_does_not_and_then_breaks_rules_of_its_members(
    model: type[WriteModel], data: st.DataObject
) -> None:
    names = [info.alias or name for name, info in model.model_fields.items()]
    body: Any = data.draw(JSON | st.dictionaries(st.sampled_from(names), JSON))
    try:
        wanted = model.model_validate(body)
    except ValidationError:
        return
    members = {pascal_case(name) for name in model.model_fields}
    failures = wanted.failures()
    assert {key.partition("[")[0] for key in failures} <= members
    assert all(messages for messages in failures.values())


@QUICK
@given(st.text(), st.integers(1, 50))
def test_a_text_within_its_limit_fits_the_column(text: str, limit: int) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2
    if utf16_length(text) <= limit:
        assert len(text) <= limit


@QUICK
@given(st.lists(st.text(alphabet=st.characters(exclude_characters=",\0"), max_size=5), max_size=6))
def test_prefixes_are_trimmed_and_distinct(entries: list[str]) -> None:
    prefixes = VendorCreate.model_validate({"namespacePrefixes": ",".join(entries)}).prefixes()
    assert len(prefixes) == len(set(prefixes))
    assert prefixes == [prefix.strip() for prefix in prefixes]
    assert set(prefixes) == {entry.strip() for entry in entries} - {""}
