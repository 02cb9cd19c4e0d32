"""What can be wrong with a token from a mail."""

from shared.errors import Invalid


class UtilizedToken(Invalid):
    """The token or another of its purpose was used, or its account may not log in."""

    codes = ("identity.user.utilized_token",)


class BadMailToken(Invalid):
    """`jwt.decode_and_verify.<why>`: the last word of what is wrong."""

    def __init__(self, why: str) -> None:
        super().__init__([f"jwt.decode_and_verify.{why}"])
