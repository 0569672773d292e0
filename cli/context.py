"""What every command starts with: its settings, its log, its collection."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.logs import set_up_logging
from cli.output import note, shown_path
from retrieval.config import Origin, Settings, load_settings
from retrieval.encoders.options import EncoderOptions, configure_encoders
from retrieval.errors import CollectionMissingError, SettingsError

COLLECTION_NAME = ".polyseek"


@dataclass(frozen=True, slots=True)
class Context:
    """The settings of one command, and how talkative it is.

    Attributes:
        settings: merged from all layers.
        origins: the layer of each setting.
        quiet: whether notes and progress are off.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    quiet: bool

    @property
    def cache_dir(self) -> Path:
        """Folder for what can be made again."""
        if self.settings.cache_dir is not None:
            return self.settings.cache_dir
        from platformdirs import user_cache_path

        return user_cache_path("polyseek")

    def note(self, text: str) -> None:
        """Tell the user something that is no result, unless notes are off."""
        note(text, quiet=self.quiet)

    @property
    def asked_model(self) -> str | None:
        """The model named by a flag; what the other layers name is for new collections only."""
        return self.settings.model if self.origins["model"].layer == "flag" else None

    def nearest_collection(self) -> Path | None:
        """The collection that is set or, above the current folder, found; None if none is found.

        Raises:
            SettingsError: what is set is a file.
        """
        if (folder := self.settings.collection) is not None:
            if folder.exists() and not folder.is_dir():
                raise SettingsError(
                    f"collection = {folder} (from {self.origins['collection']}): that is a file",
                    hint="a collection is a folder; name one that is there, or a new one",
                )
            return folder
        from retrieval.store.collection import find_collection

        return find_collection(Path.cwd())

    def collection(self) -> Path:
        """Like `nearest_collection`.

        Raises:
            CollectionMissingError: none is found.
        """
        folder = self.nearest_collection()
        if folder is None:
            raise CollectionMissingError(
                f"no collection in {shown_path(Path.cwd())} or above it",
                hint="make one with `polyseek index FOLDER`, or name one with --collection",
            )
        return folder


def asked_memory(settings: Settings) -> int | None:
    """Bytes of `max_memory`; None where it is not set.

    Raises:
        SettingsError: it is no size.
    """
    if settings.max_memory is None:
        return None
    from retrieval.memory import parse_size

    try:
        return parse_size(settings.max_memory)
    except ValueError as error:
        raise SettingsError(str(error), hint="write it as 500MB or 2GiB") from error


def is_collection(folder: Path) -> bool:
    """Whether a collection lies in a folder, damaged or not."""
    from retrieval.store.manifest import manifest_paths

    return bool(manifest_paths(folder))


def holds_anything(folder: Path) -> bool:
    """Whether an encoder has embedded anything in a collection; False where there is none.

    A folder that is merely there, a mounted volume say, is no collection yet; nor does a first run
    that came to nothing bind one to its model.
    """
    from retrieval.store.manifest import newest_manifest

    try:
        return bool(newest_manifest(folder)[0].galleries)
    except CollectionMissingError:
        return False


def pins_file() -> Path:
    """Where the digests of pinned models lie, present or not."""
    from platformdirs import user_data_path

    return user_data_path("polyseek") / "pins.json"


def config_file() -> Path:
    """Where the user's settings file lies, present or not."""
    from platformdirs import user_config_path

    return user_config_path("polyseek") / "config.toml"


def encoder_options(settings: Settings) -> EncoderOptions:
    """What the settings say about loading and running models."""
    return EncoderOptions(
        precision=settings.precision,
        allow_pickle=settings.allow_pickle,
        compile_model=settings.compile_model,
        pins_file=pins_file(),
    )


def begin(flags: Mapping[str, object], *, quiet: bool = False) -> Context:
    """Merge the settings; set up the log and how models are loaded.

    Args:
        flags: what the command line gave, by setting name; None means not given.
        quiet: results and errors only.

    Raises:
        SettingsError: a setting of any layer is wrong.
    """
    settings, origins = load_settings(flags, os.environ, config_file())
    set_up_logging(settings.log_level, quiet=quiet)
    configure_encoders(encoder_options(settings))
    return Context(settings, origins, quiet)
