"""The parts of the Captions page, from top to bottom."""

from dataclasses import dataclass
from functools import partial
from math import exp

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core import Picture, Preset, get_preset
from cnnfix_core.arrays import Floats
from cnnfix_core.errors import TargetError
from cnnfix_core.explanations import PictureEvidence
from cnnfix_core.modalities.captions import END, Origin, caption_figure, caption_json, tokens
from cnnfix_core.regions import Box, area_holding, describe_position
from cnnfix_core.utils import percent
from cnnfix_core.visualization import panel, photo_of
from cnnfix_ui import errors
from cnnfix_ui.captions import answers, state
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.components.images import image_uri
from cnnfix_ui.components.panels.component import Panel, panels
from cnnfix_ui.errors import escaped
from cnnfix_ui.widgets import answer, controls, depths
from cnnfix_ui.widgets.downloads import downloads

_OTHERS = 6  # alternatives offered for a word
_THUMB = 240  # pixels
_NEXT_TO_NOTHING, _FAINT = 0.01, 0.3  # of a map; of the colours


@dataclass(frozen=True)
class WordQuestion:
    """Which word of a caption is explained.

    part: the box that is captioned, None for the whole picture. words: without the end. place: of the word, from 1; the
    end counts too.
    """

    picture: Picture
    part: Box | None
    words: tuple[str, ...]
    place: int
    preset: Preset
    instead: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """The words, including the end."""
        return (*self.words, END)

    @property
    def word(self) -> str:
        """The word that is explained."""
        return self.all[self.place - 1]

    def origin(self, place: int) -> Origin:
        """The origin of a word; only the explained word is contrasted with another."""
        instead = self.instead if place == self.place else None
        return answers.origin(self.picture, self.part, self.words, place - 1, self.preset, instead)

    def evidence(self, place: int, instead: str | None = None) -> PictureEvidence | None:
        """A word's evidence on the picture, or None if it has none."""
        return answers.evidence(self.picture, self.part, self.words, place - 1, self.preset, instead)


def caption_of(picture: Picture, part: Box | None) -> tuple[str, ...]:
    """The caption to explain; the captioner's own if the requested one has unknown words."""
    wanted: str | None = st.session_state["caption"]
    if wanted is not None:
        words = tuple(wanted.removesuffix(state.TO_BE_COMPLETED).split())
        try:
            if wanted.endswith(state.TO_BE_COMPLETED):
                return answers.captions_of(picture, part, words)[0].words
            for word in words:
                answers.captioner().number(word)
            return words
        except TargetError as error:
            st.error(escaped(f"{error} Shown instead: the captioner's own caption."), icon=":material/info:")
            state.ask(None)
    return answers.captions_of(picture, part)[0].words


def settings(picture: Picture, part: Box | None, words: tuple[str, ...]) -> WordQuestion:
    """Draw the controls of the walk and return the question."""
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        preset = get_preset("evidence", controls.choose_focus())
        place = _place(words)
        instead = _choose_instead(picture, part, words, place)
        st.segmented_control(
            "Map",
            list(state.MAPS),
            required=True,
            format_func=state.MAPS.__getitem__,
            key="map",
            help="All words of a caption use the same features of the picture, so their maps look alike. “Only this "
            "word” subtracts the mean of the other words' maps.",
        )
        with controls.more():
            answer.choose_shown()
            answer.choose_opacity()
    return WordQuestion(picture, part, words, place, preset, instead)


def _place(words: tuple[str, ...]) -> int:
    """The word to explain: the chosen one, or the first noun."""
    chosen = st.session_state["word"]
    return int(chosen) if chosen is not None and chosen <= len(words) + 1 else state.first_noun(words)


def _choose_instead(picture: Picture, part: Box | None, words: tuple[str, ...], place: int) -> str | None:
    said = (*words, END)[place - 1]
    others = [word for word, _ in answers.decoded(picture, part, words).choices(place - 1, 12) if word != said]
    given = st.session_state["instead"]
    if given is not None and given not in others:  # from the address
        if given in answers.captioner().vocabulary.numbers and given != said:
            others.append(given)
        else:
            st.session_state["instead"] = None
    chosen = st.selectbox(
        "Rather than",
        others,
        index=None,
        placeholder="Any other word",
        key="instead",
        width=190,
        format_func=_shown,
        help="Explains the difference: the evidence for the first word that is not evidence for the other.",
    )
    return None if chosen is None else str(chosen)


def draw_words(asked: WordQuestion) -> None:
    """Draw the caption as clickable words, with the picture's share under each."""
    items = []
    for place, text in enumerate(asked.all, 1):
        origin = asked.origin(place)
        share = np.nan_to_num(origin.from_picture)
        title = f"Probability {percent(origin.probability)}; {percent(share)} of its evidence came from the picture"
        items.append(Choice(str(place), _shown(text), title, share=share, detail=percent(share)))
    choices(
        items,
        selected=str(asked.place),
        look="words",
        label="Words of the caption. Choose one to explain it.",
        key="caption.words",
        on_choose=lambda value: state.choose_word(int(value)),
    )
    st.caption(
        "Below each word: the share of its evidence that came from the picture. The rest came from the words before it."
    )


def draw_word(asked: WordQuestion) -> None:
    """Draw the word's fixations next to Grad-CAM, with a description."""
    apart = st.session_state["map"] == "apart" and asked.instead is None
    with st.spinner("Following each word back …", show_time=True):
        seen = asked.evidence(asked.place, asked.instead)
        depth = depths.chosen(seen) if seen and not apart else None
        map_ = depth.map if depth else None
        if apart:
            map_ = answers.maps(asked.picture, asked.part, asked.words, asked.preset, apart)[asked.place - 1]
        gradcam = answers.gradcam(asked.picture, asked.part, asked.words[: asked.place - 1], asked.word, asked.instead)
    rather = f" rather than “{_shown(asked.instead)}”" if asked.instead else ""
    st.header(f"Why “{_shown(asked.word)}”{rather}?", anchor=False)
    text = _description(asked, asked.origin(asked.place), map_, apart)
    if map_ is None:
        st.info(escaped(text), icon=":material/info:")
        return
    shown = st.session_state["show"]
    title = "CNN Fixations" + (", only this word" if apart else "")
    panels(
        asked.picture,
        [
            Panel(title, depth.layers, seen.kept_fixations, shown=depth.number)
            if seen and depth
            else Panel.of(title, map_),
            Panel.of("Grad-CAM", gradcam),
        ][: 1 if shown == "points" else None],  # Grad-CAM has no points
        points="" if apart or shown == "density" else "fixation: bigger dot, more evidence",
        opacity=0 if shown == "points" and not apart else st.session_state["opacity"] / 100 * _strength(map_, apart),
        alt=text,
        key="panels",
        on_layer=depth.choose if depth else None,
        frame=asked.part,
    )
    st.markdown(escaped(text))


def _description(asked: WordQuestion, origin: Origin, map_: NDArray[np.floating] | None, apart: bool) -> str:
    word = f"“{_shown(asked.word)}”"
    parts = [f"Here the captioner gives {word} a probability of {percent(origin.probability)}."]
    if np.isnan(origin.from_picture):
        return f"{parts[0]} There is no evidence for it in the picture or in the words before it."
    total = origin.picture + sum(origin.before)
    share = percent(origin.from_picture)
    before = sorted(zip(origin.before, ("the beginning", *asked.words), strict=False), reverse=True)
    most = [f"{percent(part / total)} from {_quoted(text)}" for part, text in before[:2] if part / total >= 0.005]
    parts.append(f"{share} of its evidence came from the picture" + (f", {', '.join(most)}." if most else "."))
    if map_ is not None and map_.any():
        lies = f"lies on {percent(area_holding(map_, 0.5))} of the picture, {describe_position(map_)}."
        if apart:
            own = percent(float(map_.sum()))
            if _strength(map_, apart) < 1:
                parts.append(
                    f"Almost nothing of its map, {own}, is this word's own, so it is drawn faintly. Half of that {lies}"
                )
            else:
                parts.append(f"{own} of its map belongs to this word alone. Half of that {lies}")
        else:
            parts.append(f"Half of the evidence from the picture {lies}")
    return " ".join(parts)


def _strength(map_: NDArray[np.floating], apart: bool) -> float:
    """How strongly a map is drawn: a word's own part faintly where it is next to nothing."""
    return _FAINT if apart and float(map_.sum()) < _NEXT_TO_NOTHING else 1.0


def draw_all(asked: WordQuestion) -> None:
    """Draw a small map for each word, and the downloads."""
    apart = st.session_state["map"] == "apart"
    st.header("Evidence for each word alone" if apart else "All evidence for each word", anchor=False)
    with st.spinner("Following each word back …", show_time=True):
        maps = answers.maps(asked.picture, asked.part, asked.words, asked.preset, apart)
    cut = _cut(asked.picture, asked.part)
    photo = photo_of(asked.picture, cut.side).convert("RGBA")
    choices(
        [
            _tile(photo, word, place, shown, cut)
            for place, (word, shown) in enumerate(zip(asked.all, maps, strict=True), 1)
        ],
        selected=str(asked.place),
        look="tiles",
        label="All words with their maps. Choose one to explain it.",
        key="caption.all",
        on_choose=lambda value: state.choose_word(int(value)),
    )
    picture, found = asked.picture, partial(answers.explanation, asked.picture, asked.part, asked.words, asked.preset)
    downloads(
        {
            "caption.png": ("Figure", lambda: caption_figure(picture, found())),
            "caption.json": ("JSON", lambda: caption_json(picture, found())),
        }
    )


@dataclass(frozen=True)
class _Cut:
    """The part of a picture that a tile shows. side: the picture's longest, in pixels of the tile. box: of the tile."""

    side: int
    box: tuple[int, int, int, int] | None


def _cut(picture: Picture, part: Box | None) -> _Cut:
    if part is None:
        return _Cut(_THUMB, None)
    x0, y0, x1, y1 = part
    longest = max(picture.width, picture.height)
    scale = _THUMB / max(x1 + 1 - x0, y1 + 1 - y0)
    return _Cut(
        round(longest * scale), (round(x0 * scale), round(y0 * scale), round((x1 + 1) * scale), round((y1 + 1) * scale))
    )


def _tile(photo: Image.Image, word: str, place: int, shown: Floats | None, cut: _Cut) -> Choice:
    drawn = photo.convert("RGB") if shown is None or not shown.any() else panel(photo, shown, None)
    return Choice(str(place), _shown(word), image=image_uri(drawn.crop(cut.box)))


def choose_caption(picture: Picture, part: Box | None, words: tuple[str, ...]) -> None:
    """Draw the captioner's own captions, and a field for another one."""
    st.header("Captions", anchor=False)
    said, text = answers.captions_of(picture, part), " ".join(words)
    best = said[0].log_probability
    items = [Choice(one.text, one.text, share=exp(min(0.0, one.log_probability - best))) for one in said]
    if text not in [one.value for one in items]:
        ratio = exp(min(0.0, answers.decoded(picture, part, words).caption.log_probability - best))
        items.append(Choice(text, text, "Yours", share=ratio))
    choices(
        items,
        selected=text,
        look="lines",
        label="Captions, best first",
        key="caption.beam",
        on_choose=lambda value: state.ask(None if value == items[0].value else value),
    )
    st.text_input(
        "Your own caption",
        key=state.OWN,
        placeholder="a brown dog …",
        max_chars=150,
        on_change=_take,
        help="End it with … and the captioner completes it.",
    )
    errors.show_refusal(state.OWN)


def _take() -> None:
    """Explain the caption that was typed; one with an unknown word stays in the field, with what is wrong."""
    given = st.session_state[state.OWN]
    errors.refuse(state.OWN, "")
    try:
        for word in tokens(given):
            answers.captioner().number(word)
    except TargetError as error:
        errors.refuse(state.OWN, str(error))
        return
    if tokens(given):
        state.ask(state.parse_caption(given))
        st.session_state[state.OWN] = ""


def choose_other_word(asked: WordQuestion) -> None:
    """Draw the most probable words at this place; the captioner completes the caption from the chosen one."""
    st.header(f"Instead of “{_shown(asked.word)}”", anchor=False)
    likely = answers.decoded(asked.picture, asked.part, asked.words).choices(asked.place - 1, _OTHERS)

    def choose(word: str) -> None:
        before = asked.words[: asked.place - 1]
        if word != END:
            state.ask(state.with_word(asked.words, asked.place, word), asked.place)
        elif before:
            state.ask(" ".join(before), asked.place)

    choices(
        [Choice(word, _shown(word), share=share, detail=percent(share)) for word, share in likely],
        selected=asked.word,
        look="bars",
        label="Other words at this place",
        key="caption.instead",
        on_choose=choose,
    )
    st.caption("Choose a word, and the captioner completes the caption from there.")


def _shown(word: str) -> str:
    return "(end)" if word == END else word


def _quoted(word: str) -> str:
    return word if word == "the beginning" else f"“{word}”"
