/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include <string.h>

#include "commands.h"

const ferry_command *const ferry_commands[] = {
    &ferry_command_build,   &ferry_command_inspect, &ferry_command_run,  &ferry_command_bench,
    &ferry_command_devices, &ferry_command_version, &ferry_command_help, NULL,
};

const ferry_command *ferry_command_find(const char *name) {
    for (int i = 0; ferry_commands[i]; i++)
        if (strcmp(ferry_commands[i]->name, name) == 0) return ferry_commands[i];
    return NULL;
}
