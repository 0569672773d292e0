"""Versions of polyseek and of the packages it stands on, without loading them."""

from importlib import metadata

FAISS_PACKAGES = ("faiss-cpu", "faiss-gpu")


def package_version(name: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def faiss_build() -> str | None:
    """The installed FAISS, e.g. "1.15.1 (faiss-cpu)", or None."""
    found = ((name, package_version(name)) for name in FAISS_PACKAGES)
    return next((f"{version} ({name})" for name, version in found if version), None)


def version_lines() -> list[str]:
    """What `polyseek --version` prints, a fact a line."""
    from retrieval.encoders.registry import default_encoder
    from retrieval.store.manifest import FORMAT_VERSION

    return [
        f"polyseek {package_version('polyseek')}",
        f"collection format {FORMAT_VERSION}",
        f"default model {default_encoder()}",
        f"faiss {faiss_build() or 'missing: pip install polyseek[cpu]'}",
    ]
