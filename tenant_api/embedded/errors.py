"""What can go wrong with the embedded server. No message holds a password."""


class EmbeddedServerError(Exception):
    """Base of the family; the message is a sentence for the operator."""


class EmbeddedServerBusyError(EmbeddedServerError):
    """Another service uses this data folder."""


class EmbeddedServerNotRunningError(EmbeddedServerError):
    """No live server belongs to this data folder."""


class EmbeddedServerStartError(EmbeddedServerError):
    """The cluster could not be made or its server did not come up; the message quotes what PostgreSQL said."""
