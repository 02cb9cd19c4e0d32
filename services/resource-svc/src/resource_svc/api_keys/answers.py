"""How the secret of a new API key is shown."""

from dataclasses import dataclass
from typing import Any

from resource_svc.api_keys.api_key import ApiKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """As text, or, where older front ends expect it, in the shape in which Vault answered."""

    vault_shaped: bool

    def shown(self, key: ApiKey, secret: str | None) -> dict[str, Any]:
        """The `APIKey` of the public API, as it is at its creation."""
        shown = key.model_for_owner()
        if secret is None:
            return shown
        moments = {name: shown.pop(name) for name in ("created_at", "updated_at")}
        value = {"data": {"value": secret}} if self.vault_shaped else secret
        return {**shown, "secret": value, **moments}
