"""The commands of authz-gateway."""

from authz_gateway.app import create_app
from authz_gateway.settings import GatewaySettings
from shared.command_line import Command, main
from shared.contracts.services import GATEWAY
from shared.process import serve
from shared.settings import load_settings


def _serve() -> None:
    serve(create_app(load_settings(GatewaySettings)))


if __name__ == "__main__":
    main("authz_gateway", GATEWAY, {"serve": Command("Run the service.", _serve)})
