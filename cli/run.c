/* SPDX-License-Identifier: Apache-2.0 */
/* ferry run: the options, and the way to tensors or to pictures. */
#include "run.h"

#include "commands.h"

#define FIELD(name) offsetof(ferry_run_options, name)

static const ferry_option options[] = {
    {"output", 'o', FERRY_OPTION_LIST, FIELD(outputs), "OUT",
     "where results go, by its ending: a picture (.jpg, .png), a video (.mp4, .mkv, .avi ... or an rtsp:// or rtmp:// "
     "address), "
     "detections (.jsonl), or a folder; without it JSON lines are printed"},
    {"input", 'i', FERRY_OPTION_LIST, FIELD(inputs), "NAME=FILE.npy", "contents of the model's input NAME",
     .aliases = "loadInputs"},
    {"confidence", 0, FERRY_OPTION_NUMBER, FIELD(confidence), "P",
     "least score of a detection; without it the model's usual one", .minimum = 0, .maximum = 1, .aliases = "conf"},
    {"iou", 0, FERRY_OPTION_NUMBER, FIELD(iou), "P", "overlap beyond which the weaker of two boxes is dropped", .minimum = 0,
     .maximum = 1},
    {"max-detections", 0, FERRY_OPTION_INTEGER, FIELD(max_detections), "N", "most detections in a picture", .minimum = 1,
     .maximum = 100000},
    {"classes", 0, FERRY_OPTION_LIST, FIELD(classes), "NAME,...", "only these classes, by name or number"},
    {"top", 0, FERRY_OPTION_INTEGER, FIELD(top), "N", "how many classes a classifier tells", "5", 1, 1000},
    {"task", 0, FERRY_OPTION_TEXT, FIELD(task), "TASK", "what the model is, such as yolov8 or scrfd; without it recognised"},
    {"card", 0, FERRY_OPTION_TEXT, FIELD(card), "FILE", "a model card: task, preprocessing, labels, thresholds"},
    {"set", 0, FERRY_OPTION_LIST, FIELD(set), "KEY=VALUE",
     "one line of a model card, such as channels=bgr (--verbose shows them all)"},
    {"snapshot", 0, FERRY_OPTION_TEXT, FIELD(snapshot), "FILE", "write one frame of a video, with boxes, as a picture"},
    {"snapshot-frame", 0, FERRY_OPTION_INTEGER, FIELD(snapshot_frame), "N", "which frame", "0", 0, 1e12},
    {"limit", 0, FERRY_OPTION_INTEGER, FIELD(limit), "N", "stop a video after N frames", .minimum = 1, .maximum = 1e12},
    {"codec", 0, FERRY_OPTION_TEXT, FIELD(codec), "NAME", "h264, hevc, mpeg4 or mjpeg; without it the best there is"},
    {"quality", 0, FERRY_OPTION_INTEGER, FIELD(quality), "N", "quality of JPEG pictures", "92", 1, 100},
    {"font", 0, FERRY_OPTION_TEXT, FIELD(font), "FILE", "a font for labels"},
    {"no-labels", 0, FERRY_OPTION_FLAG, FIELD(no_labels), .help = "draw boxes without text"},
    {"shapes", 0, FERRY_OPTION_LIST, FIELD(shapes), "NAME:DIMS,...",
     "shapes of dynamic inputs, when the model is an ONNX file"},
    FERRY_CLI_THREADS(ferry_run_options),
    {"json", 0, FERRY_OPTION_FLAG, FIELD(json), .help = "print JSON lines although -o is given"},
    {"verbose", 'v', FERRY_OPTION_FLAG, FIELD(verbose), .help = "tell what was recognised, and why"},
    FERRY_CLI_QUIET(ferry_run_options),
    {0},
};

static int run(const ferry_command *command, const void *settings) {
    const ferry_run_options *given = settings;
    ferry_cli_progress progress;
    ferry_cli_listener listener = {.command = command->name, .verbose = given->verbose, .progress = &progress};
    ferry_cli_shapes shapes = {0};
    ferry_engine *engine = NULL;
    ferry_error error;
    if (given->arguments.count < 2 && given->inputs.count == 0)
        return ferry_cli_misused(command->name, "what shall the model look at?");
    ferry_cli_progress_init(&progress, given->quiet);
    ferry_status status = ferry_cli_shapes_parse(&given->shapes, &shapes, &error);
    if (status == FERRY_OK)
        status = ferry_cli_open_engine(given->arguments.items[0], &shapes, (int)given->threads, &listener, &engine, &error);
    if (status == FERRY_OK)
        status =
            ferry_run_wants_tensors(given) ? ferry_run_tensors(engine, given, &error) : ferry_run_vision(engine, given, &error);
    ferry_engine_destroy(engine);
    ferry_cli_shapes_free(&shapes);
    return status == FERRY_OK ? FERRY_EXIT_OK : ferry_cli_failed(command, &error);
}

const ferry_command ferry_command_run = {
    .name = "run",
    .summary = "run a model on pictures, videos or tensors",
    .synopsis = "MODEL INPUT... [-o OUT] [options]",
    .description = "INPUT is a picture, a folder, a pattern in quotes, a video or the address of a stream. The task is "
                   "recognised from the "
                   "model's metadata and shapes: detectors (YOLOv5, YOLOv8, YOLOX, SCRFD ...), classifiers, poses, embeddings. "
                   "Boxes and labels "
                   "are drawn into what -o names, which may be given several times; detections can be had as JSON lines.\n\n"
                   "Any other model takes and gives arrays in .npy files: --input NAME=FILE.npy, and -o FOLDER for the "
                   "outputs; a slash or a colon "
                   "in an output's name becomes '_'.\n\n"
                   "A video that ends early gives what could be decoded, a message, and exit status 1.",
    .examples =
        "ferry run yolov5s.ferry bus.jpg -o boxes.jpg\tdraw boxes\n"
        "ferry run yolov5s.ferry street.mp4 -o out.mp4 -o out.jsonl --classes person\tpeople in a video, drawn and as data\n"
        "ferry run yolov5s.ferry 'pictures/*.jpg' -o drawn/\ta whole folder\n"
        "ferry run model.ferry --input x=x.npy -o outputs/\ttensors in, tensors out",
    .options = options,
    .settings_size = sizeof(ferry_run_options),
    .arguments_offset = FIELD(arguments),
    .min_arguments = 1,
    .max_arguments = 1000000,
    .run = run,
};
