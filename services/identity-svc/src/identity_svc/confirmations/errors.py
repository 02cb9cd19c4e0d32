"""Why an address is not confirmed."""

from shared.errors import Invalid


class ActiveOrDoesntExist(Invalid):
    """There is no account that waits for this confirmation."""

    codes = ("identity.user.active_or_doesnt_exist",)
