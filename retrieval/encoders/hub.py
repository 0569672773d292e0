"""Files from the Hugging Face hub: from its cache, else downloaded; every failure one clear error.

huggingface_hub reads HF_HOME, HF_HUB_OFFLINE, HF_TOKEN and HF_ENDPOINT itself, when it is imported.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retrieval.errors import EncoderUnavailableError

OFFLINE_HINT = (
    "weights are looked for in the hub cache (HF_HOME, by default ~/.cache/huggingface) and "
    "downloaded unless HF_HUB_OFFLINE=1; without a network, copy a folder with "
    "open_clip_config.json and open_clip_model.safetensors here and name it local-dir:PATH"
)

_COMMIT = re.compile(r"[0-9a-f]{40}")


def hide_progress() -> None:
    """Show no progress bars of downloads, in this process."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()


class Repository:
    """One repository of the hub at one revision.

    The first file settles the commit; the others come from the same one, and those that are cached
    ask the hub for nothing.
    """

    def __init__(self, repo: str, revision: str | None = None) -> None:
        """Note which; nothing is opened.

        Args:
            repo: "org/name", or the name alone for a few old ones.
            revision: branch, tag or commit; None is the main branch.
        """
        self.repo = repo
        self._revision = revision
        self._only_cached = False

    def fetch(self, names: Sequence[str]) -> Path:
        """The first of the files that the repository has.

        Raises:
            EncoderUnavailableError: it has none of them, or cannot be reached.
        """
        found = self.find(names)
        if found is None:
            raise EncoderUnavailableError(
                f"the hub's repository {self} holds no {' or '.join(names)}",
                hint="check its files on the hub; hf-hub: needs a repository made for open_clip",
            )
        return found

    def find(self, names: Sequence[str]) -> Path | None:
        """The first of the files that the repository has, or None.

        Raises:
            EncoderUnavailableError: it cannot be reached, and none of the files is cached.
        """
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        unreachable: Exception | None = None
        for name in names:
            try:
                return self._download(name)
            except LocalEntryNotFoundError as error:
                unreachable = error
            except EntryNotFoundError:
                continue
        if unreachable is not None:
            raise self._unavailable(
                "is neither cached nor can it be downloaded", OFFLINE_HINT
            ) from unreachable
        return None

    def find_all(self, names: Sequence[str]) -> tuple[Path, ...]:
        """Those of the files that the repository has; without a network, those that are cached."""
        from huggingface_hub.errors import EntryNotFoundError

        found = []
        for name in names:
            try:
                found.append(self._download(name))
            except EntryNotFoundError:
                continue
        return tuple(found)

    @property
    def commit(self) -> str:
        """The commit of the files so far; "" before the first."""
        return self._revision if self._revision and _COMMIT.fullmatch(self._revision) else ""

    def __str__(self) -> str:
        return self.repo + (f"@{self._revision}" if self._revision else "")

    def snapshot(self, patterns: Sequence[str]) -> Path:
        """A folder with all files whose names match; those that are cached are not asked for again.

        Raises:
            EncoderUnavailableError: it cannot be reached and is not cached whole.
        """
        import huggingface_hub
        from huggingface_hub import errors

        try:
            with self._told():
                path = huggingface_hub.snapshot_download(
                    self.repo, revision=self._revision, allow_patterns=list(patterns)
                )
        except errors.LocalEntryNotFoundError as error:
            raise self._unavailable(
                "is neither cached nor can it be downloaded", OFFLINE_HINT
            ) from error
        return Path(path)

    def _download(self, name: str) -> Path:
        import huggingface_hub
        from huggingface_hub import errors

        try:
            with self._told():
                path = Path(
                    huggingface_hub.hf_hub_download(
                        self.repo,
                        name,
                        revision=self._revision,
                        local_files_only=self._only_cached,
                    )
                )
        except errors.LocalEntryNotFoundError:
            # A hub that does not answer is asked again and again, some 20 s long: once is enough.
            self._only_cached = True
            raise
        self._settle(path)
        return path

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what is wrong with the repository, but that it lacks a file."""
        from huggingface_hub import errors

        try:
            yield
        except errors.EntryNotFoundError:  # a file that is not cached is one, too
            raise
        except errors.GatedRepoError as error:
            raise self._unavailable(
                "is gated: its owner lets in who accepted the terms",
                f"accept them at https://huggingface.co/{self.repo} and set HF_TOKEN",
            ) from error
        except errors.RepositoryNotFoundError as error:
            raise self._unavailable(
                "does not exist, or is private", "check the name; for a private one set HF_TOKEN"
            ) from error
        except errors.RevisionNotFoundError as error:
            raise self._unavailable(
                "has no such revision", "name a branch, a tag or a whole commit"
            ) from error
        except (OSError, ValueError, errors.HfHubHTTPError) as error:
            raise self._unavailable(f"cannot be downloaded: {error}", OFFLINE_HINT) from error

    def _settle(self, path: Path) -> None:
        # The cache keeps a file below snapshots/COMMIT.
        commit = path.parent.name
        if not self.commit and _COMMIT.fullmatch(commit):
            self._revision = commit

    def _unavailable(self, what: str, hint: str) -> EncoderUnavailableError:
        return EncoderUnavailableError(f"the hub's repository {self} {what}", hint=hint)
