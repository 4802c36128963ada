#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A virtual environment with the Python packages of the golden tests (usage: make-venv.sh FOLDER PACKAGE...). Not being able to
# make it is no failure: the tests that want it are skipped and say so.
set -u

folder=$1
shift
stamp=$folder/packages.txt
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ] && exit 0
{ [ -x "$folder/bin/python" ] || python3 -m venv "$folder"; } >/dev/null 2>&1 &&
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >/dev/null 2>&1 &&
    echo "$*" >"$stamp" && exit 0
echo "The Python packages ($*) could not be installed in $folder: tests that compare with them are skipped." >&2
exit 0
