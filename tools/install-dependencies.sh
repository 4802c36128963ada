#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, and only those: usage install-dependencies.sh build|test|fuzz|demo ...
# Works as root or through sudo; where neither is there, says what to install.
set -eu

build="gcc g++ make cmake ninja-build pkg-config libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libjpeg62-turbo-dev
       libspng-dev libfreetype-dev libjansson-dev libcmocka-dev libsimde-dev"
test="$build jq python3 python3-venv fonts-dejavu-core"
fuzz="$test clang"
demo="$build fonts-dejavu-core"
fetch="npm"

wanted=
for group in "$@"; do
    case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    demo) wanted="$wanted $demo" ;;
    fetch) wanted="$wanted $fetch" ;;
    *)
        echo "install-dependencies.sh: no group '$group'; there are build, test, fuzz, demo and fetch" >&2
        exit 2
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is no Debian; please see to it that these are installed:" $wanted >&2
    exit 0
fi

# A program that was installed by other means than a package counts as well.
is_there() {
    case $1 in
    npm | cmake | jq | clang | make | gcc | g++) command -v "$1" >/dev/null 2>&1 && return 0 ;;
    ninja-build) command -v ninja >/dev/null 2>&1 && return 0 ;;
    esac
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'
}

missing=
for package in $wanted; do
    is_there "$package" || case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "These packages are missing, and installing them needs root:" >&2
        echo "    apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "Installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
install() { $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null; }
# Package lists may be absent or old: then they are brought up to date and the installation is tried once more.
install 2>/dev/null || { $as_root apt-get update -qq && install; } || {
    echo "apt-get could not install$missing; is this machine connected?" >&2
    exit 1
}
