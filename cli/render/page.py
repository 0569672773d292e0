"""The HTML page: one file that shows the hits of one or more queries anywhere, offline.

Thumbnails are data: URLs, the style is inline and there is no script; the page's own policy
forbids everything else. All text on it is data and escaped: queries, names and paths may hold
anything.
"""

import base64
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path

from cli.render.thumbnails import Section, shown_name, shown_text, thumbnail_of
from retrieval.model import Hit, display_path

# Twice the size it is shown at, for dense screens; about 25 kB each.
_THUMBNAIL_PX = 520
_JPEG_QUALITY = 80

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1c1a; --faint: #6b6b66; --rule: #e2e2de; --tile: #f1f1ee;
  --accent: #0b63ce;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161617; --ink: #ececea; --faint: #9a9a95; --rule: #2e2e30; --tile: #222224;
    --accent: #6cb0ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 100rem;
  background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.45 system-ui, "Noto Sans", "Noto Sans CJK JP", sans-serif;
}
section + section { margin-top: 3rem; }
h1 {
  display: flex; gap: 1rem; align-items: baseline; justify-content: space-between;
  margin: 0 0 1.25rem; padding-bottom: 0.6rem; border-bottom: 1px solid var(--rule);
  font-size: 1.5rem; font-weight: 600; overflow-wrap: anywhere;
}
h1 small {
  color: var(--faint); font-size: 0.875rem; font-weight: 400; white-space: nowrap;
}
ol {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 45%), 1fr));
  gap: 1.5rem 1.1rem; margin: 0; padding: 0; list-style: none;
}
figure { margin: 0; }
.picture {
  display: flex; align-items: center; justify-content: center; aspect-ratio: 4 / 3;
  border-radius: 0.6rem; background: var(--tile); overflow: hidden;
  color: var(--faint); text-decoration: none;
}
.picture img { max-width: 100%; width: 100%; height: 100%; object-fit: contain; }
a.picture:focus-visible, a.picture:hover { outline: 3px solid var(--accent); outline-offset: 2px; }
figcaption { display: grid; grid-template-columns: 1fr auto; padding: 0.45rem 0.15rem 0; }
.rank { color: var(--accent); font-weight: 600; }
.score { font-variant-numeric: tabular-nums; }
.name {
  grid-column: 1 / -1; color: var(--faint); font-size: 0.8125rem;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
@media print { .picture { break-inside: avoid; } }
"""


def render_page(sections: Sequence[Section]) -> str:
    """A whole page, to be written as UTF-8.

    Args:
        sections: each query with its hits, in the order to be shown.
    """
    title = " · ".join(shown_text(query) for query, _ in sections[:3])
    body = "\n".join(_section(query, hits) for query, hits in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">
<meta name="generator" content="polyseek">
<title>{html.escape(title)} - polyseek</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _section(query: str, hits: Sequence[Hit]) -> str:
    count = "no hits" if not hits else f"{len(hits)} hit{'s' if len(hits) > 1 else ''}"
    heading = f"<h1><bdi>{html.escape(shown_text(query))}</bdi> <small>{count}</small></h1>"
    figures = "\n".join(_figure(hit) for hit in hits)
    return f"<section>\n{heading}\n<ol>\n{figures}\n</ol>\n</section>"


def _figure(hit: Hit) -> str:
    name = html.escape(shown_name(hit.item.files[0]))
    path = html.escape(shown_text(display_path(hit.path)))
    return (
        f"<li><figure>{_picture(hit, name)}<figcaption>"
        f'<span class="rank">{hit.rank}</span><span class="score">{hit.score:.3f}</span>'
        f'<bdi class="name" title="{path}">{name}</bdi></figcaption></figure></li>'
    )


def _picture(hit: Hit, name: str) -> str:
    thumbnail = thumbnail_of(hit, _THUMBNAIL_PX, _THUMBNAIL_PX)
    image = thumbnail.image
    if image is None:
        return f'<div class="picture">{html.escape(thumbnail.reason)}</div>'
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY, progressive=True, optimize=True)
    source = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    # as_uri escapes every byte that is no plain letter, so that a path cannot leave the attribute.
    link = html.escape(Path(os.fsdecode(hit.path)).as_uri())
    return (
        f'<a class="picture" href="{link}"><img src="{source}" alt="{name}" '
        f'width="{image.width}" height="{image.height}" loading="lazy"></a>'
    )
