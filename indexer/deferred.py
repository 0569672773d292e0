"""An encoder that comes into being when it is first used, and is checked before it embeds.

A run that finds nothing new, or only files that were moved, never loads a model. A run that embeds
pictures must do so with the collection's own encoder, and learns it before the first vector.
"""

import threading
from collections.abc import Sequence

from PIL import Image

from retrieval.encoders.base import Encoder, Pixels, uses_accelerator
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.errors import EncoderMismatchError
from retrieval.model import EncoderInfo, Float32Array


class DeferredEncoder:
    """What a run was asked to encode with, held against what the collection records.

    Every method may raise EncoderUnavailableError; those that embed, EncoderMismatchError.
    """

    def __init__(
        self, wanted: Encoder | str | None, recorded: EncoderInfo | None, *, device: str
    ) -> None:
        """Note the choice; nothing is loaded.

        Args:
            wanted: an encoder, a name, or None for the collection's own (or the default).
            recorded: the collection's; None while there is no collection.
            device: where a named encoder shall run.
        """
        own = recorded.name if recorded else DEFAULT_ENCODER
        self._name = wanted if isinstance(wanted, str) else own
        self._encoder = None if isinstance(wanted, str) else wanted
        self._recorded = recorded
        self._device = device
        self._is_checked = recorded is None
        self._making = threading.Lock()

    def check(self) -> None:
        """Compare fingerprints, once; this loads the encoder's weights."""
        if self._is_checked or self._recorded is None:
            return
        if self.info.fingerprint != self._recorded.fingerprint:
            raise EncoderMismatchError(expected=self._recorded.label, found=self.info.label)
        self._is_checked = True

    def check_if_another(self) -> None:
        """Compare fingerprints if the choice may not be the collection's own encoder.

        The same name is trusted until something is embedded. Another name may still be the same
        model (a folder that was moved), so it is no error by itself.
        """
        if self._encoder is not None or (self._recorded and self._name != self._recorded.name):
            self.check()

    @property
    def info(self) -> EncoderInfo:
        """Identity of the embedding space."""
        return self._get().info

    @property
    def uses_accelerator(self) -> bool:
        """See `retrieval.encoders.base.uses_accelerator`."""
        return uses_accelerator(self._get())

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees."""
        return self._get().input_px

    def preprocess(self, image: Image.Image) -> Pixels:
        """See `Encoder.preprocess`."""
        return self._get().preprocess(image)

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """See `Encoder.encode_pixels`."""
        self.check()
        return self._get().encode_pixels(pixels)

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """See `Encoder.encode_images`."""
        self.check()
        return self._get().encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """See `Encoder.encode_texts`."""
        self.check()
        return self._get().encode_texts(texts)

    def _get(self) -> Encoder:
        with self._making:  # decoding threads may be the first to ask
            if self._encoder is None:
                self._encoder = get_encoder(self._name, device=self._device)
            return self._encoder
