"""The programs that the gateway is measured beside, each as a process of its own."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support import programs

_TRIES = 400
_PAUSE_SECONDS = 0.05

_NGINX = """
daemon off;
master_process off;
pid {name}.pid;
error_log stderr;
events {{ worker_connections 10000; }}
http {{
    access_log {log};
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    proxy_http_version 1.1;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
    {servers}
}}
"""
_UPSTREAM = """
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{ default_type application/json; return 200 '{body}'; }}
    }}
"""
_KEPT = "upstream {name} {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 100000000; }}"
_PLAIN = """
    {kept}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://api;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
"""
_ASKING = """
    {kept}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            auth_request /decision;
            auth_request_set $token $upstream_http_authorization;
            proxy_pass http://api;
            proxy_set_header Connection "";
            proxy_set_header Cookie "";
            proxy_set_header Authorization $token;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
        location = /decision {{
            internal;
            proxy_pass http://decision$request_uri;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
        }}
    }}
"""


def upstream(folder: Path, port: int, size: int) -> list[str]:
    """The command of an nginx that answers so many bytes of JSON."""
    body = '{"data": "' + "0" * (size - 12) + '"}'
    return _nginx(folder, "upstream", "off", _UPSTREAM.format(port=port, body=body))


def plain_proxy(folder: Path, port: int, api: int) -> list[str]:
    """The command of an nginx that asks nobody."""
    kept = _KEPT.format(name="api", port=api)
    return _nginx(folder, "plain", f"{folder}/plain.log", _PLAIN.format(kept=kept, port=port))


def asking_proxy(folder: Path, port: int, api: int, decision: int) -> list[str]:
    """The command of an nginx that asks about each call (auth_request)."""
    kept = "\n".join(
        _KEPT.format(name=name, port=at) for name, at in (("api", api), ("decision", decision))
    )
    return _nginx(folder, "asking", f"{folder}/asking.log", _ASKING.format(kept=kept, port=port))


def _nginx(folder: Path, name: str, log: str, servers: str) -> list[str]:
    file = folder / f"{name}.conf"
    file.write_text(_NGINX.format(folder=folder, name=name, log=log, servers=servers))
    return [str(programs.nginx().file), "-p", str(folder), "-e", "stderr", "-c", str(file)]


def asking_envoy(
    folder: Path, port: int, api: int, decision: int, *, prefix: str = "", grpc: bool = False
) -> list[str]:
    """The command of an Envoy that asks about each call (ext_authz), by HTTP or by gRPC.

    By HTTP, `prefix` comes before the call's path.
    """
    filters = "type.googleapis.com/envoy.extensions.filters"
    asking: dict[str, object] = {
        "http_service": {
            "server_uri": {"uri": "http://d", "cluster": "decision", "timeout": "5s"},
            "path_prefix": prefix,
            "authorization_response": {"allowed_upstream_headers": _exactly("authorization")},
        }
    }
    if grpc:
        service = {"envoy_grpc": {"cluster_name": "decision"}, "timeout": "5s"}
        asking = {"transport_api_version": "V3", "grpc_service": service}
    ext_authz = {
        "@type": f"{filters}.http.ext_authz.v3.ExtAuthz",
        **asking,
        "allowed_headers": _exactly("cookie", "user-agent", "x-forwarded-for"),
    }
    log = {
        "name": "file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": f"{folder}/envoy-{port}-access.log",
        },
    }
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "use_remote_address": True,
        "access_log": [log],
        "http_filters": [
            {"name": "ext_authz", "typed_config": ext_authz},
            {"name": "router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "api"}}],
                }
            ]
        },
    }
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    asked = _cluster("decision", decision)
    if grpc:
        name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        asked["typed_extension_protocol_options"] = {
            name: {
                "@type": f"type.googleapis.com/{name}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        }
    clusters = [_cluster("api", api), asked]
    file = folder / f"envoy-{port}.json"
    resources = {"listeners": [listener], "clusters": clusters}
    file.write_text(json.dumps({"static_resources": resources}))
    options = ("--concurrency", "1", "-l", "error", "--use-dynamic-base-id")
    return [str(programs.envoy().file), "-c", str(file), *options]


def _exactly(*names: str) -> Mapping[str, object]:
    return {"patterns": [{"exact": name} for name in names]}


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    url: str,
    headers: Mapping[str, str],
    env: Mapping[str, str] | None = None,
) -> Iterator[psutil.Process]:
    """A process that answers at `url`; what it says, its access log too, goes into a file."""
    log = folder / f"{Path(command[0]).name}-{url.split(':')[2].partition('/')[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=env or os.environ, cwd=None, stdout=output, stderr=output
        )
    try:
        for _ in range(_TRIES):
            if _answers(url, headers):
                break
            if process.poll() is not None:
                raise RuntimeError(log.read_text()[-3000:])
            time.sleep(_PAUSE_SECONDS)
        else:
            raise TimeoutError(log.read_text()[-3000:])
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _answers(url: str, headers: Mapping[str, str]) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False
