#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Trained models on real pictures: what README.md of the assets says they see.
. "$(dirname "$0")/library.sh"
need_assets
models=$FERRY_ASSETS/models
images=$FERRY_ASSETS/images

# sees MODEL PICTURE 'jq condition' [options]
sees() {
    local model=$1 picture=$2 condition=$3
    shift 3
    [ -s "$work/$model.ferry" ] || expect 0 "$ferry" build "$models/$model.onnx" -o "$work/$model.ferry" --tuning off
    expect 0 "$ferry" run "$work/$model.ferry" "$images/$picture" --quiet "$@"
    is true "$(jq -c "$condition" "$out")" "'$condition' for $model on $picture, which gave $(jq -c '[(.detections // .classes)[] | [.name, .score]][:8]' "$out")"
}

count='def n(x): [.detections[] | select(.name == x)] | length;'
sees yolov5n bus.jpg "$count n(\"person\") == 3 and n(\"bus\") == 1"
sees yolov5s bus.jpg "$count n(\"person\") == 4 and n(\"bus\") == 1"
sees yolov5s zidane.jpg "$count n(\"person\") == 2 and n(\"tie\") >= 1"
sees yolov5s dog.jpg "$count n(\"dog\") == 1 and n(\"bicycle\") == 1 and n(\"car\") + n(\"truck\") >= 1"
sees yolov5n_fp16 bus.jpg "$count n(\"person\") == 3 and n(\"bus\") == 1"
sees yolov8n bus.jpg "$count n(\"person\") >= 3 and n(\"bus\") == 1"
sees yolov8n_int8 bus.jpg "$count n(\"person\") >= 3 and n(\"bus\") == 1"
# An export from before YOLOX gave up normalising: RGB to 1, ImageNet's mean and deviation.
sees yolox_nano bus.jpg "$count n(\"person\") >= 3 and n(\"bus\") == 1" --set divisor=255 --set channels=rgb \
    --set "mean=[0.485, 0.456, 0.406]" --set "deviation=[0.229, 0.224, 0.225]"
sees scrfd_500m_kps zidane.jpg '(.detections | length) == 2 and (.detections[0].keypoints | length) == 5'
sees scrfd_2.5g_bnkps zidane.jpg '(.detections | length) == 2 and (.detections[0].keypoints | length) == 5'
sees scrfd_2.5g_bnkps selfie.jpg '(.detections | length) >= 100 and (.detections | length) <= 180'
sees retinaface_mnet25_v2 zidane.jpg '(.detections | length) == 2'
sees ultraface_version-RFB-320 zidane.jpg '(.detections | length) == 2'
sees yunet_n_dynamic zidane.jpg '(.detections | length) == 2'
done_testing
