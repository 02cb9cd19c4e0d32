"""Why an address is not confirmed."""

from dataclasses import dataclass

from shared.errors import Invalid


class ActiveOrDoesntExist(Invalid):
    """There is no account that waits for this confirmation."""

    codes = ("identity.user.active_or_doesnt_exist",)


@dataclass(frozen=True, slots=True)
class ConfirmedEmail:
    """The user whose address was confirmed, and what ended with that."""

    uid: str
    had_second_factor: bool
    api_keys_ended: bool
