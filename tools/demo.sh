#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo: builds an engine and draws the people it finds in a video. Usage: demo.sh FERRY FOLDER
set -eu

ferry=$1
folder=$2

if [ ! -s "$folder/yolov5s.ferry" ] || [ "$folder/yolov5s.onnx" -nt "$folder/yolov5s.ferry" ] || [ "$ferry" -nt "$folder/yolov5s.ferry" ]; then
    "$ferry" build "$folder/yolov5s.onnx" -o "$folder/yolov5s.ferry" --timing-cache "$folder/timing.cache"
fi
"$ferry" run "$folder/yolov5s.ferry" "$folder/vtest.avi" --classes person \
    -o "$folder/people.mp4" -o "$folder/people.jsonl" --snapshot "$folder/people.jpg" --snapshot-frame 400
cat <<END

The video with boxes     $folder/people.mp4
a picture of one frame   $folder/people.jpg
all detections           $folder/people.jsonl
END
