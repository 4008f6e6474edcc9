"""The average frame rate of a file, where its header may say something else than its frames."""

from __future__ import annotations

import numpy as np

CONTRADICTION = 1.5


def average_fps(claimed: float, timestamps: np.ndarray, end: float) -> float:
    """The rate that the container claims, unless the times of its own frames contradict it grossly.

    Matroska and MPEG-TS headers may give the rate of the first frames or of the clock. Reported times are
    frame numbers divided by the rate, so a header that is wrong by more than a factor of 1.5 would point at
    wrong moments.

    Args:
        claimed: frames per second by the container's header; 0 if it says nothing.
        timestamps: seconds of each frame, [num_frames].
        end: seconds at which the last frame ends.
    """
    measured = len(timestamps) / end if np.isfinite(end) and end > 0 else 0.0
    if not measured:
        return claimed if claimed > 0 else 1.0
    agrees = claimed > 0 and 1 / CONTRADICTION <= measured / claimed <= CONTRADICTION
    return claimed if agrees else measured
