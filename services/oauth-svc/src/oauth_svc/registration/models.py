"""When clients cannot register themselves."""

from shared.errors import NotFound


class RegistrationOff(NotFound):
    """There is no initial access token, so that nobody can register a client."""

    codes = ("oauth.registration.off",)
