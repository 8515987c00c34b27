"""Clips made by arithmetic, alike on every machine: what two networks are compared on."""

from __future__ import annotations

import numpy as np


def generate_clips(count: int, window: int, height: int, width: int, seed: int = 20) -> np.ndarray:
    """`count` clips as u8 [count, window, height, width, 3], BGR.

    Soft blobs and a hard edge move over a gradient with noise; size, colour, path and contrast differ from clip to
    clip, so that a network which looks at its input answers each of them differently.
    """
    y = np.linspace(0.0, 1.0, height, dtype=np.float64)[:, None, None]
    x = np.linspace(0.0, 1.0, width, dtype=np.float64)[None, :, None]
    clips = np.empty((count, window, height, width, 3), dtype=np.uint8)
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        corner, slope_x, slope_y = rng.random((3, 3)) * 200.0 - 60.0
        blobs = [rng.random(9) for _ in range(2 + index % 3)]
        edge = rng.random(4)
        noise = 4.0 + 20.0 * rng.random()
        for frame in range(window):
            at = frame / max(window - 1, 1)
            picture = 60.0 + corner + slope_x * x + slope_y * y
            for blob in blobs:
                center_x = blob[0] + (blob[1] - 0.5) * 1.2 * at
                center_y = blob[2] + (blob[3] - 0.5) * 1.2 * at
                radius = 0.05 + 0.25 * blob[4]
                color = blob[5:8] * 400.0 - 150.0
                distance = (x - center_x) ** 2 + (y - center_y) ** 2
                picture = picture + color * (1.0 / (1.0 + (distance / radius**2) ** 2))
            side = (x - 0.5) * np.cos(6.28 * edge[0]) + (y - 0.5) * np.sin(6.28 * edge[0])
            picture = picture + np.where(side > (edge[1] - 0.5) + (edge[2] - 0.5) * at, 120.0 * edge[3] - 60.0, 0.0)
            picture = picture + (rng.random((height, width, 3)) - 0.5) * noise
            clips[index, frame] = np.clip(picture, 0.0, 255.0).astype(np.uint8)
    return clips
