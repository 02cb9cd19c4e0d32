"""Why an administrator does not change a user, besides what `Authority` refuses."""

from shared.errors import Invalid


class UnknownState(Invalid):
    """There is no such state."""

    codes = ("state.inclusion",)
