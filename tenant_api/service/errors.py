"""Why a process cannot start or go on."""


class ServiceError(Exception):
    """The message is a sentence for the operator and never holds a secret."""
