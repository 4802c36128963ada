#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pictures, folders, patterns and videos through a model that sees the same two boxes everywhere. Needs nothing from outside.
. "$(dirname "$0")/library.sh"
expect 0 "$MAKE_MODELS" "$work"
cd "$work" || exit 1
mkdir pictures
cp picture.ppm pictures/a.ppm
cp picture.ppm pictures/b.ppm
echo "no picture" >pictures/notes.txt
expect 0 "$ferry" build boxes.onnx -o boxes.ferry

# 160x120 into 64x64: scale 0.4, 8 rows of padding above. Row 0 (16,32,10,20) is x 27.5..52.5, y 35..85 in the picture.
expect 0 "$ferry" run boxes.ferry picture.ppm
is '[["harbour seal",0.76,[100,40,140,80]],["lantern",0.72,[27.5,35,52.5,85]]]' \
    "$(jq -c '[.detections[] | [.name, .score, .box]]' "$out" | sed 's/\.00*\([],]\)/\1/g; s/\(\.[0-9]*[1-9]\)0*\([],]\)/\1\2/g')" "the boxes"
is '[160,120]' "$(jq -c '[.width, .height]' "$out")" "the picture's size"
holds "1 harbour seal, 1 lantern" "$err"
expect 0 "$ferry" run boxes.ferry picture.ppm --classes lantern --quiet
is '["lantern"]' "$(jq -c '[.detections[].name]' "$out")" "the class that was asked for"
is "" "$(cat "$err")" "stderr when quiet"
expect 0 "$ferry" run boxes.ferry picture.ppm --confidence 0.75
is 1 "$(jq '.detections | length' "$out")" "the number of confident boxes"

expect 0 "$ferry" run boxes.ferry picture.ppm -o drawn.png
is "" "$(cat "$out")" "stdout when drawn"
expect 0 "$ferry" run boxes.ferry drawn.png -o drawn.jpg -o found.jsonl
is 2 "$(jq '.detections | length' found.jsonl)" "the number of boxes in the file"
expect 0 "$ferry" run boxes.ferry pictures -o folder/of/results
only_files folder/of/results a.jpg b.jpg
expect 0 "$ferry" run boxes.ferry 'pictures/*.ppm' picture.ppm
is 3 "$(wc -l <"$out")" "the number of lines"

expect 0 "$ferry" run boxes.ferry video.y4m -o seen.mp4 -o seen.jsonl --snapshot frame.jpg --snapshot-frame 3
is 12 "$(wc -l <seen.jsonl)" "the number of frames"
is '[0.3,3]' "$(jq -c 'select(.frame == 3) | [.seconds, .frame]' seen.jsonl)" "the time of frame 3"
[ -s frame.jpg ] || fail "there is no snapshot"
expect 0 "$ferry" run boxes.ferry seen.mp4 --limit 5
is 5 "$(wc -l <"$out")" "the number of frames of the written video"
is '[160,120]' "$(head -n 1 "$out" | jq -c '[.width, .height]')" "the written video's size"

# A video that ends early: what there is, then a message and status 1.
head -c $(($(stat -c %s seen.mp4) * 2 / 3)) seen.mp4 >broken.mp4
expect_clean_failure "$ferry" run boxes.ferry broken.mp4 -o part.mp4 -o part.jsonl
[ -s part.mp4 ] || fail "the decodable frames were lost"
[ -s part.jsonl ] || fail "the decodable frames' detections were lost"
ls ./*.tmp* >/dev/null 2>&1 && fail "temporary files were left behind"

# Wrong inputs and outputs.
expect_clean_failure "$ferry" run boxes.ferry pictures/notes.txt
expect_clean_failure "$ferry" run boxes.ferry absent.jpg
holds "absent.jpg" "$err"
head -c 300 drawn.png >cut.png
expect_clean_failure "$ferry" run boxes.ferry cut.png
expect_clean_failure "$ferry" run boxes.ferry picture.ppm -o /dev/full/x.png
expect_clean_failure "$ferry" run boxes.ferry picture.ppm -o absent/folder/x.png
expect_clean_failure "$ferry" run boxes.ferry picture.ppm -o x.mp4
expect_clean_failure "$ferry" run boxes.ferry pictures -o x.png
expect_clean_failure "$ferry" run boxes.ferry picture.ppm --classes unicorn
holds "unicorn" "$err"
expect_clean_failure "$ferry" run boxes.ferry video.y4m -o absent/seen.mp4
absent x.png
absent x.mp4
done_testing
