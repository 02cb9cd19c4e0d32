"""The commands of oauth-svc."""

from functools import partial

from oauth_svc.app import create_app
from oauth_svc.schema import MIGRATIONS, SCHEMA
from oauth_svc.settings import OAuthSettings
from shared.command_line import Command, main, migrate_command
from shared.contracts.services import OAUTH
from shared.contracts.topology import OAUTH as SUBSCRIPTION
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, OAuthSettings)

if __name__ == "__main__":
    main(
        "oauth_svc",
        OAUTH,
        {
            "serve": Command(
                "Serve clients until stopped.", lambda: serve(create_app(_settings()))
            ),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "dead-letters": dead_letter_commands(_settings, SUBSCRIPTION),
        },
    )
