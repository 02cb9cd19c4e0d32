"""Why an address is kept out."""

from shared.contracts.policy import Restriction
from shared.errors import Forbidden


class Restricted(Forbidden):
    """A restriction matches the caller's address; its own status is what the client sees."""

    def __init__(self, restriction: Restriction) -> None:
        super().__init__((f"authz.restrict.{restriction.category}",))
        self.status = restriction.code
