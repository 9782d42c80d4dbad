"""A hook of mkdocs: pages that lie outside docs/ join the site, and links from one to the other hold in both places.

In the repository a page links to files by their place there, which people follow in an editor; here each such link is
rewritten to the place that the file has in the site.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# Pages outside docs/, and the cards of the networks that are shipped.
_OUTSIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "assets/**/README.md")
_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from outside docs/."""
    for path in sorted(found for pattern in _OUTSIDE for found in ROOT.glob(pattern)):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to where the files are in the site. What is not there stays as it is, and ends a strict build."""
    here = Path(page.file.abs_src_path)

    def rewritten(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(here.parent / link[1]))
        if not target.is_relative_to(ROOT):
            return link[0]
        inside = target.relative_to(config.docs_dir if target.is_relative_to(config.docs_dir) else ROOT).as_posix()
        if files.get_file_from_path(inside) is None:
            return link[0]
        return posixpath.relpath(inside, posixpath.dirname(page.file.src_uri) or ".") + (link[2] or "")

    return _LINK.sub(rewritten, markdown)
