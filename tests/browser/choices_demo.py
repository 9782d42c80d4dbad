"""The choices component on its own, for test_choices.py."""

import base64
import io

import streamlit as st
from PIL import Image

from cnnfix_ui.components.choices.component import Choice, choices

NAMES = (
    "Cat Dog Rocket Coffee Astronaut|<img src=x onerror=alert(1)>|A very long title that needs more than two lines"
).replace(" ", "|", 4)
CLASSES = [
    ("Egyptian cat", 0.62),
    ("tabby", 0.21),
    ("tiger cat", 0.09),
    ("a kind of animal with a rather long name", 0.004),
]


@st.cache_data
def thumbnail(hue: int, wide: bool) -> str:
    picture = Image.linear_gradient("L").resize((224, 120) if wide else (120, 224))
    picture = Image.merge("HSV", [picture.point(lambda v: (hue + v // 6) % 256), picture.point(lambda _: 90), picture])
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def choose_picture(value: str) -> None:
    if value != "1":  # the one that is refused
        st.session_state.picture = value
        st.session_state.note = f"picture {value}"  # a widget's state: allowed in a callback only


st.session_state.setdefault("picture", "11")
st.session_state.setdefault("target", "0")
names = NAMES.split("|") + [f"Sample {n}" for n in range(7, 14)]
st.text_input("Note", key="note")
choices(
    [Choice(str(n), name, image=thumbnail(n * 19, n % 2 == 0)) for n, name in enumerate(names)],
    selected=st.session_state.picture,
    look="tiles",
    label="Sample pictures",
    key="pictures",
    on_choose=choose_picture,
)
st.write(f"Picture: {st.session_state.picture}")
choices(
    [Choice(str(n), name, share=p, detail=f"{p:.1%}", title=f"About {name}") for n, (name, p) in enumerate(CLASSES)],
    selected=st.session_state.target,
    look="bars",
    label="What the network says",
    key="classes",
    on_choose=lambda value: st.session_state.update(target=value),
)
st.write(f"Target: {st.session_state.target}")
choices([Choice("a", "Nothing chosen")], selected=None, look="bars", label="None", key="none", on_choose=lambda _: None)
