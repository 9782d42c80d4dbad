"""Captions: a picture, the caption that a network writes for it, and what led to each word; of a part of it, too."""

import streamlit as st

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.address import kept_in_address
from cnnfix_ui.captions import parts, sections, state
from cnnfix_ui.errors import escaped
from cnnfix_ui.widgets.gallery import choose_picture
from cnnfix_ui.widgets.order import first

with kept_in_address(state.SETTINGS):
    picture = choose_picture("picture", on_change=state.reset)
    notice = first("notice")
    said, seen = st.columns([1, 2.6], gap="large")
    try:
        with notice:
            st.caption(
                ":material/warning: The captioner learnt from photographs of people and dogs (Flickr8k), and is often "
                "wrong even about those: its sentences are guesses. For research and education only."
            )
        part = parts.chosen(picture)
        with said:
            listed = st.container()
        if parts.drawing():
            with seen, first("answer"):
                parts.draw_box(picture)
        else:
            with notice, st.spinner("Looking at the picture …", show_time=True):
                words = sections.caption_of(picture, part)
            with seen:
                strip = first("words")
                asked = sections.settings(picture, part, words)
                place = first("answer")
            with strip:
                sections.draw_words(asked)
            with said:
                sections.choose_caption(picture, part, words)
                sections.choose_other_word(asked)
            with place:
                sections.draw_word(asked)
                sections.draw_all(asked)
        with listed:
            parts.choose_part(picture)
    except CnnfixError as error:
        st.error(escaped(str(error)), icon=":material/info:")
