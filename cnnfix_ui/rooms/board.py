"""The board: what the projector shows. It has no controls; while answers are open, the teacher may tap on it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import streamlit as st

from cnnfix_ui.rooms import components
from cnnfix_ui.rooms.errors import RoomError
from cnnfix_ui.rooms.frame import bare
from cnnfix_ui.rooms.invitation import Invitation, invitation_to
from cnnfix_ui.rooms.registry import rooms
from cnnfix_ui.rooms.reveals import Reveal, reveal_at, revealed
from cnnfix_ui.rooms.room import BOARD, Moment, Room
from cnnfix_ui.rooms.scenes import scene_at
from cnnfix_ui.rooms.screen_data import maps_data, picture_data, prose_data, question_data, reveal_data
from cnnfix_ui.rooms.watching import board_watch

KEY = "board"  # in the address
_ROOM = "room.board"


def show() -> None:
    """Draw the page."""
    with bare("board"):
        room = _room()
        watch = board_watch(room) if room else None
        moment = room.moment if room else Moment(0, "ended")
        if room is None or moment.phase == "ended":
            components.board(_ended(), lambda *_: None)
            return
        invitation = None if room.locked else invitation_to(room)

        def take(step: int, sent: Any) -> None:
            with suppress(RoomError):
                room.send_from_board(step, sent)

        components.board({**_data(room, moment, invitation), "watch": watch}, take)


def _room() -> Room | None:
    """The room of this board; None if it has ended."""
    known: Room | None = st.session_state.get(_ROOM)
    key = st.query_params.get(KEY, "")
    if known and known.board == key:
        return known
    with suppress(RoomError):
        st.session_state[_ROOM] = known = rooms.with_key("board", key)
        return known
    return None


def _ended() -> dict[str, Any]:
    return {"phase": "ended", "message": "This class has ended."}


def _data(room: Room, moment: Moment, invitation: Invitation | None) -> dict[str, Any]:
    number, phase = moment
    step, scene = room.lesson.steps[number], scene_at(room, number)
    joining = phase == "joining"
    return {
        "room": room.code,
        "step": number,
        "phase": phase,
        "hidden": room.hidden,
        "title": room.lesson.title if joining else step.title,
        "ask": "" if joining else step.ask,
        "goal": room.lesson.goal,
        "text": prose_data(step.text),
        "question": question_data(step.question) if step.question else None,
        "picture": picture_data(scene, large=True),
        "maps": maps_data(step, scene, large=True),
        "answer": room.by_token(number).get(BOARD),
        "reveal": reveal_data(_reveal(room, number)) if phase == "revealed" else None,
        "invitation": asdict(invitation) if invitation else None,
    }


def _reveal(room: Room, number: int) -> Reveal:
    """The reveal; a step without a question has it from the start."""
    return reveal_at(room, number) or revealed(room, number)
