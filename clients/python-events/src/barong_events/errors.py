"""What can go wrong."""


class UntrustedEventError(Exception):
    """The message is no event, or no published key signed it."""


class WaitError(Exception):
    """Raise it in a handler while something that it needs is away.

    The event waits and is tried again. This does not count as an attempt.
    """


class KeysUnavailableError(WaitError):
    """The keys cannot be fetched: the event can be neither trusted nor refused."""


class HandlersHangError(Exception):
    """So many handlers are beyond their time that no more threads are started.

    Threads cannot be stopped. End the program, so that what supervises it starts it again.
    """
