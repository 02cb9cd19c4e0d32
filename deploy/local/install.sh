#!/bin/sh
# Makes .venv with all that `local` (make run) or `dev` (make test, make check) needs.
#
# Does nothing, in a few milliseconds, when nothing changed since the last time.
set -eu

wanted=${1:-}
case $wanted in
    local | dev) ;;
    *)
        echo "usage: $0 local|dev" >&2
        exit 2
        ;;
esac

cd "$(dirname "$0")/../.."
packages='shared services/identity-svc services/resource-svc services/admin-svc services/authz-gateway services/mailer-svc services/webhooks-svc services/oauth-svc services/console-svc clients/python-events'

fail() {
    echo "error: $*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The newest first; a name may exist without working, as those of version managers do.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a Python >= 3.11"
        command -v "$PYTHON"
        return
    fi
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        path=$(command -v "$name") || continue
        if is_new_enough "$path"; then
            echo "$path"
            return
        fi
    done
    fail 'no Python >= 3.11 found: install one (`apt-get install python3`), or say PYTHON=/path/to/python3 make run'
}

# A checksum of all that an installation of $1 depends on.
checksum() {
    {
        pwd
        echo "${PYTHON:-}"
        cat "requirements/$1.txt" shared/src/shared/version.py
        for package in $packages; do cat "$package/pyproject.toml"; done
    } | cksum
}

# `dev` contains `local`.
is_installed() {
    for stamp in dev "$wanted"; do
        [ -x .venv/bin/python ] && [ -f ".venv/installed-$stamp" ] || continue
        [ "$(cat ".venv/installed-$stamp")" != "$(checksum "$stamp")" ] || return 0
    done
    return 1
}

# Some systems ship Python without what fills a new environment with pip.
make_environment() {
    rm -rf .venv
    "$python" -c 'import ensurepip' 2>/dev/null || install_ensurepip
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv .venv
    else
        make_environment_without_ensurepip
    fi
    echo "$python" >.venv/made-with
}

install_ensurepip() {
    install_packages "$debian_python-venv"
}

# Where root may: Debian's packages. Whoever wants one tells what is missing when it is not there.
install_packages() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    echo "installing $* with apt-get"
    apt_install "$@" >/dev/null 2>&1 ||
        { apt-get update >/dev/null 2>&1 && apt_install "$@" >/dev/null; } || true
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Some tests and a bench part compile modules of the gateway, as the build of its image does.
install_compiler() {
    command -v cc >/dev/null || install_packages gcc libc6-dev
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$headers/Python.h" ] || install_packages "lib$debian_python-dev"
}

# Without root: Debian keeps pip in a package of its own, which needs no more than unpacking.
make_environment_without_ensurepip() {
    echo 'fetching pip with apt-get download'
    rm -rf .local/pip
    mkdir -p .local/pip/lists/partial
    fetch_pip >.local/pip.log 2>&1 ||
        fail "no pip for this Python (see .local/pip.log): \`apt-get install $debian_python-venv\` would help"
    wheel=$(echo .local/pip/usr/share/python-wheels/pip-*.whl)
    "$python" -m venv --without-pip .venv
    .venv/bin/python "$wheel/pip" install --quiet --no-index --no-deps "$wheel"
    rm -rf .local/pip .local/pip.log
}

fetch_pip() (
    cd .local/pip
    lists="Dir::State::lists=$PWD/lists"
    # The machine's package lists may be missing; then we keep our own.
    {
        apt-get download python3-pip-whl || {
            apt-get -o "$lists" update && apt-get -o "$lists" download python3-pip-whl
        }
    } && dpkg -x python3-pip-whl_*.deb .
)

install() {
    rm -f .venv/installed-*
    echo "installing requirements/$wanted.txt into .venv, which takes a minute the first time"
    pip --require-hashes -r "requirements/$wanted.txt"
    set --
    for package in $packages; do set -- "$@" -e "$package"; done
    pip --no-deps --no-build-isolation "$@"
    [ "$wanted" = local ] || install_compiler
    checksum "$wanted" >".venv/installed-$wanted"
}

pip() {
    PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip install \
        --quiet --disable-pip-version-check --no-input "$@"
}

if is_installed; then exit 0; fi

# Two at once: the second waits, and then finds everything done.
mkdir -p .local
if command -v flock >/dev/null; then
    exec 9>.local/install.lock
    flock 9
    if is_installed; then exit 0; fi
fi

python=$(find_python)
debian_python=$("$python" -c 'import sys; print("python{}.{}".format(*sys.version_info))')
if ! [ -x .venv/bin/python ] || [ "$(cat .venv/made-with 2>/dev/null)" != "$python" ]; then
    echo "making .venv with $python"
    make_environment
fi
install
echo 'installed'
