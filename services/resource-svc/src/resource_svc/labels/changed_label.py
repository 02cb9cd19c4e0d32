"""What an administrator's change did to a label."""

from dataclasses import dataclass

from resource_svc.labels.label import Label
from shared.contracts.labels import PrivateLabels


@dataclass(frozen=True, slots=True)
class ChangedLabel:
    """A label before the change and after it, None for none; the same twice is no change.

    `private_labels` are all those of the user where they changed, for who draws conclusions.
    """

    before: Label | None
    after: Label | None
    private_labels: PrivateLabels | None = None
