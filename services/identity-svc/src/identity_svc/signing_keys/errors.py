"""Why keys are not changed as a command asks."""


class UnknownSigningKey(Exception):
    """There is no signing key with this id."""


class KeyInUse(Exception):
    """The key is the one that JWT_PRIVATE_KEY_PATH names: replace the file first."""
