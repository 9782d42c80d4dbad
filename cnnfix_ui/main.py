"""The router: chooses the page and draws the frame around it.

Streamlit puts this folder first on the import path, so no file here may have the name of another module that is
imported (`logging`, `types`, `torch` ...).
"""

from contextlib import nullcontext
from pathlib import Path

import streamlit as st

import cnnfix_site
from cnnfix_ui import address, errors, served
from cnnfix_ui.components.menu.component import closing_menu
from cnnfix_ui.learn import frame_of
from cnnfix_ui.widgets import downloads, presenting
from cnnfix_ui.widgets.share import share

HERE = Path(__file__).parent

# One line per page: file, title in the menu, and the question that the page answers (its heading).
PAGES = [
    ("learn", "Learn", "What does a network look at?"),
    ("explore", "Explore", "Which pixels made the network say that?"),
    ("backtrack", "Backtrack", "How does the score lead back to the picture?"),
    ("compare", "Compare", "Do other methods agree?"),
    ("sketch", "Sketch", "Which strokes made it say that?"),
    ("captions", "Captions", "Which pixels made it say that word?"),
    ("signals", "Signals", "Which moments made the network say that?"),
    ("batch", "Batch", "Which of many pictures need a closer look?"),
    ("models", "Models", "Which networks can I use?"),
]

st.set_page_config(page_title="CNN Fixations Explorer", page_icon=str(HERE / "mark.svg"), layout="wide")
st.html(HERE / "style.css")
st.logo(HERE / "wordmark.svg", size="large")

# Not in the menu, without the frame, and with headings of its own: where a class meets.
ROOM = "room"

names = {title: name for name, title, _ in PAGES}
questions = {title: question for _, title, question in PAGES}
FIRST = "explore"
pages = [
    # The first page has the address "/"; its name must be free for the page that leads to it.
    st.Page(
        cnnfix_site.PAGES / f"{name}.py",
        title=title,
        default=name == FIRST,
        url_path="first" if name == FIRST else name,
    )
    for name, title, _ in PAGES
]
by_name = st.Page(lambda: None, title="The first page by its name", url_path=FIRST, visibility="hidden")
room = st.Page(cnnfix_site.PAGES / f"{ROOM}.py", title="Class", visibility="hidden")
page = st.navigation([*pages, room, by_name], position="top")
if page.title == by_name.title:
    st.switch_page(next(page for page in pages if not page.url_path), query_params=st.query_params.to_dict())
if address.enter_page(page.title):
    errors.forget_refusals()
downloads.forget_pictures()
served.begin_page()
frame_settings = address.enter_frame(frame_of)
listed = page.title in names
if page.title == "Learn" or not listed:  # a lesson ends where all lessons are, and where a class takes it
    address.leave_frame()
presented = listed and frame_settings.get(presenting.VIEW) == presenting.PRESENTER
if presented:
    presenting.mark()
in_lesson = listed and page.title != "Learn" and "lesson" in frame_settings
if listed and not in_lesson:
    st.title(questions[page.title], anchor=False)
try:
    # The package before its modules: while another thread is importing the package, Python does not wait for it if only
    # a module is asked for, and the two threads would find each other's modules half initialised.
    import cnnfix_core  # noqa: F401

    drawn = True
    if in_lesson:
        from cnnfix_ui.learn import frame

        drawn = frame.draw(frame_settings, names[page.title], questions[page.title])
    if drawn:
        with st.container(key="page") if listed else nullcontext():
            page.run()
except Exception as error:
    errors.show_error(error)
if listed:
    if presented and not in_lesson:
        presenting.offer_to_close()
    with st.container(key="foot"):
        closing_menu()
        with st.container(horizontal=True, gap="small"):
            share()
            presenting.offer()
        st.caption(
            "Everything is computed on the machine that serves this page. Your pictures never leave it and are not "
            "stored."
        )
