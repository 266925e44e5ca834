"""Queries of lists are read or refused, whatever they say."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import RequestFactory

from tenant_api.applications.repository import APPLICATION_LISTS
from tenant_api.db.listing import ListQuery
from tenant_api.kernel.errors import ParameterError
from tenant_api.web.binding import INT32, INVALID_PARAMETER, ApiRequest, read_list_query

NAMES = ["offset", "limit", "orderBy", "direction", "id", "ids", "applicationName", "other"]
VALUES = st.one_of(st.text(max_size=20), st.integers(-(2**70), 2**70).map(str), st.sampled_from(["asc", "ID", "1,2"]))


def request_of(query: Mapping[str, str]) -> ApiRequest:
    return RequestFactory().get(query_params={**query})


QUICK = settings(deadline=None, max_examples=50)


@QUICK
@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_a_query_is_read_within_its_limits_or_refused_in_words(query: dict[str, str]) -> None:
    try:
        found = read_list_query(request_of(query), APPLICATION_LISTS)
    except ParameterError as error:
        reasons = error.errors
    else:
        fits(found)
        return
    assert reasons
    assert len(reasons) == len(set(reasons))


def fits(found: ListQuery) -> None:
    assert found.offset is None or 0 <= found.offset < INT32
    assert found.limit is None or 0 < found.limit < INT32
    assert found.order_by is None or found.order_by in APPLICATION_LISTS.order_by
    assert set(found.filters) <= set(APPLICATION_LISTS.filters)
    assert "\0" not in found.filters.get("applicationName", "")


@QUICK
@given(st.lists(st.integers(-INT32, INT32 - 1), min_size=1, max_size=5))
def test_integers_between_commas_are_read_as_they_stand(numbers: list[int]) -> None:
    found = read_list_query(request_of({"ids": " , ".join(map(str, numbers))}), APPLICATION_LISTS)
    assert found.filters["ids"] == numbers


@QUICK
@given(st.integers().filter(lambda number: not -INT32 <= number < INT32))
def test_a_number_outside_of_32_bits_cannot_be_read(number: int) -> None:
    with pytest.raises(ParameterError) as refused:
        read_list_query(request_of({"limit": str(number)}), APPLICATION_LISTS)
    assert refused.value.errors == (INVALID_PARAMETER,)
