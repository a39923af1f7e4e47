"""How long members take over an image."""

from __future__ import annotations

import statistics
import time

from ensemble.fusion.ensembles import Ensemble
from ensemble.images.reading import Image

_TIMED_RUNS = 5


def ms_per_image(ensemble: Ensemble, image: Image) -> float:
    """Median time of the fused maps of an image, in ms, after a warm-up.

    All windows and views count; decoding, resizing and the encoding of masks do not, which other
    threads do meanwhile.
    """
    prepared = ensemble.prepare(image)
    times_s = []
    for _ in range(1 + _TIMED_RUNS):
        start = time.perf_counter()
        for _band in ensemble.fuse([prepared]):
            pass  # a band is an array on the CPU: nothing of it is still being computed
        times_s.append(time.perf_counter() - start)
    return 1000 * statistics.median(times_s[1:])
