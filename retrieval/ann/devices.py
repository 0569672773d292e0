"""Which device an index is built and searched on: CUDA or the CPU."""


def computing_device(asked: str) -> str:
    """The device of torch that a setting comes to: "cpu", "cuda" or "cuda:1".

    Args:
        asked: "auto" for CUDA if torch finds it, "cpu", or "cuda" with or without a number. Any
            other kind is for encoders only; here it means the CPU, and torch is not loaded.

    Raises:
        EncoderUnavailableError: CUDA was asked for by name, and torch finds none.
    """
    if not asked.startswith(("auto", "cuda")):
        return "cpu"
    from retrieval.encoders.devices import resolve_device  # not at the top: loads torch

    found = str(resolve_device(asked))
    return found if found.startswith("cuda") else "cpu"
