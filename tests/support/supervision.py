"""Work that is tried again soon, however often it was interrupted."""

from functools import partial

from shared.messaging import supervision

supervised = partial(supervision.supervised, longest_delay=0.1)
