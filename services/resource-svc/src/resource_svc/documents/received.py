"""What became of a file that was sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredFile:
    """It lies in the storage under `key`, noted as pending."""

    key: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """It may not be uploaded, for the reason that `code` gives."""

    code: str


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """It was not looked at: another was refused, there are too many, or it is no upload."""


ReceivedFile = StoredFile | RefusedFile | SkippedFile
