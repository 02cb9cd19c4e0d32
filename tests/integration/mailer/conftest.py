"""The database of mailer-svc."""

import pytest

from tests.support.database import TestDatabase


@pytest.fixture(scope="module")
async def mailer_database(database_template: TestDatabase) -> TestDatabase:
    """One for all tests of a file, whose events have ids of their own."""
    return await database_template.clone()
