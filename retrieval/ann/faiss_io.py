"""FAISS and its files: imported at the first use, read within limits, written to bytes.

Bytes that come in here were checked against the manifest by the caller: FAISS loads and searches a
flipped bit without noticing.
"""

import threading
from types import ModuleType
from typing import Any

import numpy as np

from retrieval.errors import CorruptCollectionError, MissingDependencyError

_TABLE_FACTOR = 2 << 8
"""FAISS counts a table of nlist * m * 256 floats against the limit when it reads an IVF-PQ index,
though the inner product needs none; nlist * m floats lie in the file as centroids, at the least."""

_reading = threading.Lock()  # FAISS's limit is one setting of the process


def load_faiss() -> ModuleType:
    """FAISS, imported at the first use: small galleries and text encoding start without it.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingDependencyError(
            "searching or building an IVF-PQ index needs FAISS, which is not installed",
            hint="install polyseek[cpu], or polyseek[gpu] on a machine with a CUDA device",
        ) from error
    module: ModuleType = faiss
    return module


def written_index(index: Any) -> bytes:  # noqa: ANN401 - FAISS has no types
    """An index as the bytes of a file."""
    faiss = load_faiss()
    writer = faiss.VectorIOWriter()
    faiss.write_index(index, writer)
    written: bytes = faiss.vector_to_array(writer.data).tobytes()
    return written


def read_index(checked: bytes) -> Any:  # noqa: ANN401 - FAISS has no types
    """The index that `written_index` wrote.

    Raises:
        CorruptCollectionError: FAISS cannot read it.
    """
    return _read("read_index", checked, limit_bytes=_TABLE_FACTOR * len(checked))


def read_lists(header: bytes) -> Any:  # noqa: ANN401 - FAISS has no types
    """Inverted lists that lie in a file of their own, mapped to be read only.

    Raises:
        CorruptCollectionError: FAISS cannot map them.
    """
    return _read("read_InvertedLists", header, limit_bytes=2 * len(header), read_only=True)


def _read(function: str, checked: bytes, *, limit_bytes: int, read_only: bool = False) -> Any:  # noqa: ANN401
    """Let FAISS read bytes, with no array larger than such bytes can ask for."""
    faiss = load_faiss()
    reader = faiss.VectorIOReader()
    faiss.copy_array_to_vector(np.frombuffer(checked, np.uint8), reader.data)
    with _reading:
        before = faiss.get_deserialization_vector_byte_limit()
        faiss.set_deserialization_vector_byte_limit(limit_bytes)
        try:
            flags = faiss.IO_FLAG_READ_ONLY if read_only else 0
            return getattr(faiss, function)(reader, flags)
        except RuntimeError as error:
            raise CorruptCollectionError(
                f"FAISS {faiss.__version__} cannot read a file of the index: {error}",
                hint="index again to rebuild it; was it written by a newer FAISS?",
            ) from error
        finally:
            faiss.set_deserialization_vector_byte_limit(before)
