"""What only a CUDA device can show: half precision, channels last and overlapped copies."""

import numpy as np
import pytest

from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from tests.contracts.encoder import pictures

pytestmark = pytest.mark.gpu

TEXTS = [f"thing {i} " + "very " * (i % 9) for i in range(150)]


@pytest.fixture(autouse=True)
def cuda():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        (EncoderOptions(precision="fp32"), 1e-3),
        (EncoderOptions(), 2e-2),
        (EncoderOptions(precision="bf16"), 5e-2),
        (EncoderOptions(precision="fp32", compile_model=True), 1e-3),
    ],
    ids=["fp32", "auto", "bf16", "compiled"],
)
def test_a_gpu_gives_the_rows_of_a_cpu(bundle, options, tolerance):
    cpu = OpenClipEncoder(f"local-dir:{bundle}", "cpu", EncoderOptions(precision="fp32"))
    gpu = OpenClipEncoder(f"local-dir:{bundle}", "cuda", options)
    images = pictures() * 60  # more than one batch, so that copies overlap
    np.testing.assert_allclose(gpu.encode_images(images), cpu.encode_images(images), atol=tolerance)
    np.testing.assert_allclose(gpu.encode_texts(TEXTS), cpu.encode_texts(TEXTS), atol=tolerance)
