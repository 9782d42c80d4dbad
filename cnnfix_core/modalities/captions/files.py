"""The explanation of a caption as a figure and as JSON."""

from __future__ import annotations

from cnnfix_core.explanations import FIXATION_COLUMNS, json_text, listed
from cnnfix_core.images import Picture
from cnnfix_core.modalities.captions.explained import CaptionExplanation
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.utils import percent
from cnnfix_core.visualization import MOST_COLUMNS, FigureCell, grid, png

_TEXT = (
    "Each map shows what distinguishes the word from the others in the caption. Above it is the share of the word's "
    "evidence that came from the picture; the rest came from the previous words."
)
_FRAME = "The captioner saw only what is in the frame."


def caption_figure(picture: Picture, found: CaptionExplanation) -> bytes:
    """A PNG: for each word with a map, the picture overlaid with this map, see `CaptionExplanation.maps`.

    A frame shows the part of the picture that was captioned, if it was not all of it.
    """
    cells = [
        FigureCell(picture, word.text, shown, f"picture {percent(word.from_picture)}", box=found.part)
        for word, shown in zip(found.words, found.maps(longest_side=MAP_SIDE), strict=True)
        if shown is not None
    ]
    text = _TEXT if found.part is None else f"{_TEXT} {_FRAME}"
    return png(grid(cells, f"“{found.caption.text}”", text, MOST_COLUMNS))


def caption_json(picture: Picture, found: CaptionExplanation) -> str:
    """The words, where their evidence came from, and their fixations in original pixels."""
    words = [
        {
            "word": word.text,
            "probability": round(word.probability, 6),
            "picture": round(word.picture, 6),
            "before": [round(share, 6) for share in word.before],
            "fixations": listed(word.fixations),
        }
        for word in found.words
    ]
    image = {"width": picture.width, "height": picture.height, "sha256": picture.digest}
    return json_text(
        {
            "caption": found.caption.text,
            "image": image,
            "part": found.part,
            "fixation_columns": FIXATION_COLUMNS,
            "words": words,
        }
    )
