/* SPDX-License-Identifier: Apache-2.0 */
/* Lies in a folder that no floor has, on purpose. */
#include <stdio.h>
