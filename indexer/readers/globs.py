"""Include and exclude patterns, matched on paths relative to a root; knows no file system.

The rules are the ones people know from .gitignore:

* `*` and `?` stay inside one path component, `**` crosses them, `[a-z]` and `[!a-z]` are classes.
* A pattern without an inner slash matches at any depth ("*.png"); with one it is tied to the root
  ("2024/**/*.png", "/top.jpg").
* A pattern that matches a folder holds for all that lies below it ("raw", "2023/trip").

Matching is case-sensitive, as the file systems of Linux are.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.errors import SettingsError

_TOKEN = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[!?\]?[^\]/]*\])|(?P<text>.)", re.DOTALL
)


def _token_regex(token: re.Match[str]) -> str:
    text = token.group()
    match token.lastgroup:
        case "deep":
            return "(?:.*/)?" if text.endswith("/") else ".*"
        case "star":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set":
            negated = text[1] == "!"
            members = text[1 + negated : -1].replace("\\", r"\\").replace("[", r"\[")
            # A slash never matches a class, or "a[!b]c" would cross folders.
            return f"(?!/)[{'^' if negated else ''}{members.replace(']', chr(92) + ']')}]"
        case _:
            return re.escape(text)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Translate one pattern into a regular expression for whole relative paths.

    Raises:
        SettingsError: the pattern is empty or has a class that means nothing, e.g. "[z-a]".
    """
    body = pattern.strip("/")
    if not body:
        raise SettingsError(f"the pattern {pattern!r} matches nothing", hint="leave it out")
    tied = pattern.startswith("/") or "/" in body
    core = "".join(_token_regex(token) for token in _TOKEN.finditer(body))
    try:
        return re.compile(("" if tied else "(?:.*/)?") + core + "(?:/.*)?", re.DOTALL)
    except re.error as error:
        raise SettingsError(
            f"the pattern {pattern!r} cannot be understood: {error}",
            hint="patterns are those of .gitignore: * ? ** [a-z]",
        ) from error


@dataclass(frozen=True, slots=True)
class Globs:
    """Which relative paths a run considers: any include (or no include at all), and no exclude."""

    include: tuple[re.Pattern[str], ...] = ()
    exclude: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def parse(cls, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> "Globs":
        """Compile patterns as a user writes them; raises SettingsError for a bad one."""
        return cls(tuple(map(compile_glob, include)), tuple(map(compile_glob, exclude)))

    def excludes(self, relative: bytes) -> bool:
        """True if the path, file or folder, is excluded; all below such a folder is, too."""
        text = os.fsdecode(relative)
        return any(glob.fullmatch(text) for glob in self.exclude)

    def admits(self, relative: bytes) -> bool:
        """True if the file at this relative path takes part in the run."""
        text = os.fsdecode(relative)
        if self.include and not any(glob.fullmatch(text) for glob in self.include):
            return False
        return not any(glob.fullmatch(text) for glob in self.exclude)
