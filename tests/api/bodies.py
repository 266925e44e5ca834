"""Valid request bodies; a test changes what it is about."""

from typing import Any
from uuid import uuid4

Body = dict[str, Any]


def unique(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}-{uuid4().hex[:8]}"


def tenant(**changes: Any) -> Body:
    return {"name": unique("tenant"), **changes}


def vendor(**changes: Any) -> Body:
    return {
        "company": unique("Acme"),
        "contactName": "Ada",
        "contactEmailAddress": "ada@acme.org",
        "namespacePrefixes": "uri://ed-fi.org,uri://acme.org",
        **changes,
    }


def data_store(**changes: Any) -> Body:
    return {
        "dataStoreType": "Production",
        "name": unique("Year"),
        "connectionString": "host=db;database=edfi;",
        **changes,
    }


def context(data_store_id: int, **changes: Any) -> Body:
    return {"dataStoreId": data_store_id, "contextKey": "schoolYear", "contextValue": "2026", **changes}


def derivative(data_store_id: int, **changes: Any) -> Body:
    return {
        "dataStoreId": data_store_id,
        "derivativeType": "ReadReplica",
        "connectionString": "host=replica;database=edfi;",
        **changes,
    }


def definition(name: str, inside: str = '<Resource name="School"/>') -> str:
    return f'<Profile name="{name}">{inside}</Profile>'


def profile(name: str = "", **changes: Any) -> Body:
    chosen = name or unique("Profile")
    return {"name": chosen, "definition": definition(chosen), **changes}


def application(vendor_id: int, **changes: Any) -> Body:
    return {
        "applicationName": unique("App"),
        "vendorId": vendor_id,
        "claimSetName": "SISVendor",
        "educationOrganizationIds": [255901],
        "dataStoreIds": [],
        "profileIds": [],
        **changes,
    }


def api_client(application_id: int, data_store_ids: list[int], **changes: Any) -> Body:
    return {
        "applicationId": application_id,
        "name": unique("client"),
        "isApproved": True,
        "dataStoreIds": data_store_ids,
        **changes,
    }


def without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}
