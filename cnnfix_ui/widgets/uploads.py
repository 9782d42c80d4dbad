"""Files that a visitor uploads: kept for the visit. A file that cannot be read changes nothing but a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cnnfix_core.errors import CnnfixError
from cnnfix_site.hosting import SMALL_UPLOAD
from cnnfix_ui import errors

Value = TypeVar("Value")

OWN = "own"  # names the uploaded item, next to the names of the samples


@dataclass(frozen=True)
class Upload(Generic[Value]):
    """One kind of upload.

    Attributes:
        key: prefix of its keys in session state.
        label: of the uploader.
        read: makes the value from names and bytes of the files; raises CnnfixError if it cannot.
        several: accept several files at once.
        camera: offer the camera too.
        clears: when all files are taken away, so is the value, which nothing else names.
    """

    key: str
    label: str
    read: Callable[[Sequence[tuple[str, bytes]]], Value]
    several: bool = False
    camera: bool = False
    clears: bool = False

    @property
    def value(self) -> Value | None:
        """The last upload that could be read."""
        found: Value | None = st.session_state.get(f"{self.key}.value")
        return found

    def parse_name(self, name: str, samples: Iterable[str]) -> str:
        """A name from the address: a sample, or OWN if there is an upload. Raises ValueError for anything else."""
        if name in samples or (name == OWN and self.value):
            return name
        raise ValueError(name)

    def take(self, value: Value) -> None:
        """Use a value from elsewhere as if it had been uploaded."""
        st.session_state[f"{self.key}.value"] = value

    def draw(self, on_take: Callable[[], object]) -> None:
        """Draw the uploader. on_take: called after an upload; like every callback, it should only set state."""
        upload, camera = f"{self.key}.upload", f"{self.key}.camera"
        st.file_uploader(
            self.label,
            key=upload,
            on_change=self._take,
            args=(upload, on_take),
            accept_multiple_files=self.several,
            max_upload_size=SMALL_UPLOAD,
        )
        if self.camera:
            with st.popover("Camera", icon=":material/photo_camera:", width="stretch"):
                st.camera_input(
                    "Camera", key=camera, on_change=self._take, args=(camera, on_take), label_visibility="collapsed"
                )

    def show_error(self) -> None:
        """Show why the last upload failed, if it did."""
        errors.show_refusal(self.key)

    def _take(self, key: str, on_take: Callable[[], object]) -> None:
        errors.refuse(self.key, "")
        given = st.session_state[key]
        if self.clears and not given:
            st.session_state.pop(f"{self.key}.value", None)
        # The server may not have a file, or no longer.
        files = [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, UploadedFile)]
        if not files:
            return
        try:
            self.take(self.read([(file.name, file.getvalue()) for file in files]))
        except CnnfixError as error:
            errors.refuse(self.key, str(error))
        else:
            on_take()
