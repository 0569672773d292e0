"""The resize mode "targetpad": long pictures keep their ends, which a centre crop would cut off.

A picture whose longer side is more than 1.25 times the shorter is padded with black on both of its
long sides until it is 1.25 times; then it goes on as in the mode "shortest". Method of Baldrati et
al., "Effective conditioned and composed image retrieval combining CLIP-based features", CVPR 2022.
open_clip has no such mode: models that were tuned so name it in their `preprocess_cfg`.
"""

from PIL import Image, ImageOps

TARGET_PAD = "targetpad"
RATIO = 1.25


def target_pad(image: Image.Image) -> Image.Image:
    """Pad a picture to at most `RATIO`; one that is within it comes back as it is."""
    width, height = image.size
    longer = max(width, height)
    if longer <= RATIO * min(width, height):
        return image
    wanted = longer / RATIO
    across = max(int((wanted - width) / 2), 0)
    down = max(int((wanted - height) / 2), 0)
    return ImageOps.expand(image, (across, down, across, down))
