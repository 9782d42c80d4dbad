"""A pupil's phone: type the code, answer, look up."""

from __future__ import annotations

from typing import Any

import streamlit as st

from cnnfix_ui.errors import escaped
from cnnfix_ui.rooms import components
from cnnfix_ui.rooms.codes import LENGTH, code_in
from cnnfix_ui.rooms.errors import RoomEndedError, RoomError
from cnnfix_ui.rooms.frame import bare
from cnnfix_ui.rooms.nicknames import LONGEST
from cnnfix_ui.rooms.registry import rooms
from cnnfix_ui.rooms.reveals import reveal_at
from cnnfix_ui.rooms.room import Moment, Room
from cnnfix_ui.rooms.scenes import scene_at
from cnnfix_ui.rooms.screen_data import maps_data, picture_data, question_data, reveal_data
from cnnfix_ui.rooms.watching import phone_watch
from cnnfix_ui.server.visitors import visitor

_CODE, _TOKEN = "code", "me"  # in the address
_ROOM, _NOTE = "room.phone", "room.note"
_PROMISE = "No name, no account. Your taps are seen only as part of the class and are erased at the end."
_LOOK_UP = "Look up!"


def show() -> None:
    """Draw the page."""
    with bare("phone"):
        try:
            room = _room()
        except RoomError as error:
            _ask_code(str(error))
            return
        if room is None:
            _ask_code("")
        elif room.moment.phase == "ended":
            _ended()
        elif room.came_back(_token()):
            _class(room, _token())
        elif _token():
            _ask_code("You are not in this class any more.")
        else:
            _join(room)


def _room() -> Room | None:
    """The room that this page is in, or that its code leads to; None if there is no code. Raises RoomError."""
    known: Room | None = st.session_state.get(_ROOM)
    code = st.query_params.get(_CODE, "")
    if known and known.code == code_in(code):
        return known
    if not code:
        return None
    try:
        room = rooms.with_code(code, visitor(), _token())
    except RoomError:
        if _token():
            raise RoomEndedError from None
        raise
    st.session_state[_ROOM] = room
    return room


def _token() -> str:
    return st.query_params.get(_TOKEN, "")


def _ask_code(problem: str) -> None:
    st.header("Join the class", anchor=False)
    st.markdown("Type the code on the board.")
    with st.form("code", border=False, enter_to_submit=True):
        typed = st.text_input(
            "Code", max_chars=2 * LENGTH, autocomplete="off", placeholder="5 letters", key="room.typed"
        )
        sent = st.form_submit_button("Join", type="primary", width="stretch")
    if sent:
        st.query_params.from_dict({_CODE: code_in(typed) or typed.strip()[:20] or "?"})
        st.session_state.pop(_ROOM, None)
        st.rerun()
    if problem:
        st.error(escaped(problem), icon=":material/info:")
    st.caption(_PROMISE)


def _join(room: Room) -> None:
    """Come in at once, or with a nickname where there are nicknames."""
    who, problem = visitor().browser, ""
    if room.nicknames and not room.knows(who):
        st.header("Join the class", anchor=False)
        with st.form("nickname", border=False):
            name = st.text_input("Nickname", max_chars=LONGEST, autocomplete="off", key="room.nickname")
            st.caption("Not your real name. Everybody sees it if your taps are closest to the network.")
            sent = st.form_submit_button("Join", type="primary", width="stretch")
        if not sent:
            return
    else:
        name = ""
    try:
        st.query_params[_TOKEN] = room.join(who, name)
    except RoomError as error:
        problem = str(error)
    if problem:
        st.error(escaped(problem), icon=":material/info:")
        st.button("Try again", width="stretch")
    else:
        st.rerun()


def _ended() -> None:
    st.session_state.pop(_ROOM, None)
    st.header("This class has ended.", anchor=False)
    st.markdown("Your answers are erased.")
    if st.button("Join another class", width="stretch"):
        st.query_params.clear()
        st.rerun()


def _class(room: Room, token: str) -> None:
    watch, moment = phone_watch(room, token), room.moment

    def take(step: int, sent: Any) -> None:
        try:
            room.send(token, step, sent)
            st.session_state[_NOTE] = ""
        except RoomError as error:
            st.session_state[_NOTE] = str(error)
        st.session_state["room.sends"] = st.session_state.get("room.sends", 0) + 1

    note = st.session_state.pop(_NOTE, "") if moment.phase == "open" else ""
    components.phone({**_data(room, token, moment, note), "watch": watch}, take)


def _data(room: Room, token: str, moment: Moment, note: str) -> dict[str, Any]:
    number, phase = moment
    step, scene = room.lesson.steps[number], scene_at(room, number)
    reveal = reveal_at(room, number) if phase == "revealed" and step.question else None
    answer = room.answer_of(token, number)
    asks = step.question is not None and phase in ("open", "closed")
    shows = asks or reveal is not None
    return {
        "room": room.code,
        "step": number,
        "phase": phase if shows else "waiting",
        "place": "" if phase == "joining" else f"{number + 1} of {len(room.lesson.steps)}",
        "ask": step.ask if shows else "",
        "question": question_data(step.question) if shows and step.question else None,
        "picture": picture_data(scene, large=False) if shows else None,
        "maps": maps_data(step, scene, large=False) if asks else None,
        "answer": answer,
        "sends": st.session_state.get("room.sends", 0),  # so that a refused answer is drawn anew, too
        "note": note,
        "message": "You are in." if phase == "joining" else _LOOK_UP,
        "detail": _LOOK_UP if phase == "joining" else step.title,
        "reveal": {**reveal_data(reveal), "own": (reveal.own or {}).get(token, "")} if reveal else None,
    }
