"""What a visitor sends as a file: kept for the visit. What cannot be read changes nothing but a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.errors import plain
from cnnfix_ui.hosting import SMALL_UPLOAD

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Sent(Generic[Thing]):
    """One kind of thing that is sent. key: of session state. read: from the bytes of the files; raises CnnfixError."""

    key: str
    read: Callable[[Sequence[bytes]], Thing]

    @property
    def thing(self) -> Thing | None:
        """What was sent last and could be read."""
        found: Thing | None = st.session_state.get(f"{self.key}.sent")
        return found

    def choose_file(self, label: str, on_take: Callable[[], object], *, several: bool = False) -> None:
        """Draw the upload. on_take: called when a file was read; like every callback it should only set state."""
        key = f"{self.key}.upload"
        st.file_uploader(
            label,
            key=key,
            on_change=self._take,
            args=(key, on_take),
            accept_multiple_files=several,
            max_upload_size=SMALL_UPLOAD,
        )

    def choose_camera(self, on_take: Callable[[], object]) -> None:
        """Draw the camera, behind a button."""
        key = f"{self.key}.camera"
        with st.popover("Camera", icon=":material/photo_camera:", width="stretch"):
            st.camera_input("Camera", key=key, on_change=self._take, args=(key, on_take), label_visibility="collapsed")

    def show_refusal(self) -> None:
        """Say why what came last was refused, if it was."""
        if f"{self.key}.refused" in st.session_state:
            st.error(plain(st.session_state[f"{self.key}.refused"]), icon=":material/info:")

    def refuse(self, message: str | None) -> None:
        """Note why what came last was refused; None: it was not."""
        if message is None:
            st.session_state.pop(f"{self.key}.refused", None)
        else:
            st.session_state[f"{self.key}.refused"] = message

    def _take(self, key: str, on_take: Callable[[], object]) -> None:
        self.refuse(None)
        given = st.session_state[key]
        files = given if isinstance(given, list) else [given] if given else []
        if not files:
            return
        try:
            st.session_state[f"{self.key}.sent"] = self.read([file.getvalue() for file in files])
        except CnnfixError as error:
            self.refuse(str(error))
        else:
            on_take()
