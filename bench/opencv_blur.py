"""Blurs a tile with OpenCV for bench/kernel.ts, on one thread.

Reads one JSON object a line and answers one a line:
  {"load": name, "path", "width", "height", "channels", "kernel"}  the raw pixels of a tile with its halo -> {}
  {"run": name, "ms"}  blurs the tile again and again for about that long -> {"ms": milliseconds a blur}
  {"save": name, "path"}  the blurred tile's raw pixels -> {}
The halo is blurred too: a part of a NumPy array does not let OpenCV see the pixels around it.
"""

import json
import sys
import time

try:
    import cv2
    import numpy
except ImportError:
    print(json.dumps({"missing": "cv2 or numpy"}), flush=True)
    sys.exit(0)

cv2.setNumThreads(1)
print(json.dumps({"version": cv2.__version__}), flush=True)

tiles = {}


def blur(name):
    tile, kernel = tiles[name]
    return cv2.GaussianBlur(tile, (kernel, kernel), kernel / 3, borderType=cv2.BORDER_REPLICATE)


def answer(request):
    if "load" in request:
        pixels = numpy.fromfile(request["path"], numpy.uint8)
        tile = pixels.reshape(request["height"], request["width"], request["channels"])
        tiles[request["load"]] = (tile, request["kernel"])
        return {}
    if "save" in request:
        blur(request["save"]).tofile(request["path"])
        return {}
    runs = 0
    start = time.perf_counter()
    elapsed = 0.0
    while elapsed < request["ms"] / 1000:
        blur(request["run"])
        runs += 1
        elapsed = time.perf_counter() - start
    return {"ms": elapsed * 1000 / runs}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
