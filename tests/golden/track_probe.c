/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks boxes of a MOT text file (frame,id,x,y,w,h,score): track_probe KIND HIGH NEW MATCH LOW MATCH_LOW FILE, KIND 0
 * ByteTrack or 1 OC-SORT. Prints frame,id,x,y,w,h a track, with all digits, for track_golden.py. */
#include <ferry/track.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_BOXES = 1024 };

static int print_frame(ferry_tracker *tracker, int frame, const ferry_detection *boxes, int count) {
    const ferry_track *tracks;
    int32_t found;
    ferry_error error;
    if (ferry_tracker_update(tracker, boxes, count, &tracks, &found, &error) != FERRY_OK) {
        fprintf(stderr, "track_probe: %s\n", error.message);
        return 1;
    }
    for (int i = 0; i < found; i++)
        printf("%d,%lld,%.9g,%.9g,%.9g,%.9g\n", frame, (long long)tracks[i].id, (double)tracks[i].x0, (double)tracks[i].y0,
               (double)(tracks[i].x1 - tracks[i].x0), (double)(tracks[i].y1 - tracks[i].y0));
    return 0;
}

int main(int argc, char **argv) {
    static ferry_detection boxes[MAX_BOXES];
    ferry_tracker_settings settings;
    ferry_tracker *tracker;
    ferry_error error;
    FILE *file = argc == 8 ? fopen(argv[7], "r") : NULL;
    if (!file) return 2;
    ferry_tracker_settings_default(&settings, (ferry_tracker_kind)atoi(argv[1]));
    settings.high_threshold = (float)atof(argv[2]);
    settings.new_threshold = (float)atof(argv[3]);
    settings.match_threshold = (float)atof(argv[4]);
    settings.low_threshold = (float)atof(argv[5]);
    settings.match_low = atoi(argv[6]);
    if (ferry_tracker_create(&settings, &tracker, &error) != FERRY_OK) return 1;
    int frame = 1, next, count = 0;
    double x, y, w, h, score;
    while (fscanf(file, "%d,%*f,%lf,%lf,%lf,%lf,%lf%*[^\n]", &next, &x, &y, &w, &h, &score) == 6) {
        for (; frame < next; frame++, count = 0)
            if (print_frame(tracker, frame, boxes, count)) return 1;
        if (count < MAX_BOXES)
            boxes[count++] = (ferry_detection){
                .x0 = (float)x, .y0 = (float)y, .x1 = (float)(x + w), .y1 = (float)(y + h), .score = (float)score};
    }
    print_frame(tracker, frame, boxes, count);
    ferry_tracker_destroy(tracker);
    fclose(file);
    return 0;
}
