/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks the floors on purpose: the floor below includes the one above, climbs up, and names a file that is not there. */
#include "tensor/high.h"

#include "../tensor/high.h"
#include "base/absent.h"
