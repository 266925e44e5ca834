"""What sealed columns are bound to: a sealed value moved to another row or column does not open."""

from uuid import UUID


def connection_string_of(data_store_id: int) -> str:
    """Context of `data_stores.connection_string_sealed`."""
    return f"data_stores:connection_string:{data_store_id}"


def derivative_connection_string_of(derivative_id: int) -> str:
    """Context of `data_store_derivatives.connection_string_sealed`."""
    return f"data_store_derivatives:connection_string:{derivative_id}"


def password_of(target_id: UUID) -> str:
    """Context of `managed_data_stores.password_sealed`."""
    return f"managed_data_stores:password:{target_id}"


def secret_answer_of(answer_id: UUID) -> str:
    """Context of `api_client_secret_answers.answer_sealed`."""
    return f"api_client_secret_answers:answer:{answer_id}"
