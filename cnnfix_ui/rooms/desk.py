"""The desk: the teacher's screen, which steers the room."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from cnnfix_core.lessons import plain
from cnnfix_ui.components.shortcuts.component import shortcuts
from cnnfix_ui.errors import escaped
from cnnfix_ui.rooms import components, start
from cnnfix_ui.rooms.board import KEY as BOARD_KEY
from cnnfix_ui.rooms.errors import RoomError
from cnnfix_ui.rooms.export import answers_csv, report_pdf
from cnnfix_ui.rooms.frame import bare
from cnnfix_ui.rooms.registry import rooms
from cnnfix_ui.rooms.reveals import Reveal, revealed
from cnnfix_ui.rooms.room import Moment, Phase, Room
from cnnfix_ui.rooms.scenes import Scene, pasted, prepare, ready, scene_at
from cnnfix_ui.rooms.watching import desk_watch
from cnnfix_ui.server.links import addresses, only_here
from cnnfix_ui.server.visitors import visitor
from cnnfix_ui.widgets.downloads import downloads

KEY = "desk"  # in the address
_ROOM = "room.desk"
_NEXT, _BACK = "room-next", "room-back"  # keys of buttons
# Also those of a clicker.
_KEYS = {" ": _NEXT, "ArrowRight": _NEXT, "PageDown": _NEXT, "ArrowLeft": _BACK, "PageUp": _BACK}
_ACTS: dict[Phase, str] = {
    "joining": "Start the lesson",
    "waiting": "Open answers",
    "open": "Close answers",
    "closed": "Reveal",
    "revealed": "Next step",
}
# Notes say what to say, to ask and to listen for, each on a line of its own.
_TURNS = re.compile(r"(?<=[.!?]) +(?=(?:Say|Ask|Listen)\b)")
_STATES: dict[Phase, str] = {"waiting": "", "open": "answers open", "closed": "closed", "revealed": "done"}


def show() -> None:
    """Draw the page."""
    with bare("desk"):
        try:
            room = _room()
        except RoomError as error:
            _ended(str(error))
            return
        if room.moment.phase == "ended":
            _ended("This class has ended.")
            return
        room.look()
        _desk(room)


def begin() -> None:
    """Draw the page on which a teacher opens a room."""
    st.header("Start with a class", anchor=False)
    _begin()


def _begin() -> None:
    chosen = start.choose()
    if chosen is None:
        return
    try:
        room = rooms.open(chosen.lesson, nicknames=chosen.nicknames, start=chosen.at, who=visitor())
    except RoomError as error:
        st.error(escaped(str(error)), icon=":material/info:")
        return
    prepare(room)
    st.session_state[_ROOM] = room
    st.query_params.from_dict({KEY: room.desk})
    st.rerun()


def _room() -> Room:
    """The room of this desk. Raises RoomError."""
    known: Room | None = st.session_state.get(_ROOM)
    key = st.query_params.get(KEY, "")
    if known is None or known.desk != key:
        known = rooms.with_key("desk", key)
        st.session_state[_ROOM] = known
    return known


def _ended(problem: str) -> None:
    st.session_state.pop(_ROOM, None)
    st.header(escaped(problem), anchor=False)
    st.markdown("Who was in and what they answered is erased.")
    st.subheader("Start the lesson again", anchor=False)
    _begin()


def _desk(room: Room) -> None:
    watch, moment = desk_watch(room), room.moment
    _remember(room, moment)

    _head(room)
    left, middle, right = st.columns([1, 1.6, 1.3], gap="large")
    with left:
        _steps(room, moment)
    with middle:
        _step(room, moment, watch)
    with right:
        _notes(room, moment)
    _foot(room)
    shortcuts(_KEYS, key="room.keys")


def _advance(room: Room, seen: Moment) -> None:
    """Do what comes next; what the next moment shows is made before it begins."""
    if room.moment != seen:
        return
    if seen.phase in ("joining", "revealed"):
        following = seen.step + (seen.phase == "revealed")
        if following < len(room.lesson.steps):
            ready(room, following)
    elif seen.phase == "closed":
        revealed(room, seen.step)
    room.advance(seen)


def _remember(room: Room, moment: Moment) -> None:
    """Keep the step in the address, from which the lesson can start again if the server does."""
    at = f"{room.lesson.name}.{moment.step + 1}"
    if st.query_params.get(start.KEY) != at:
        st.query_params[start.KEY] = at


def _head(room: Room) -> None:
    title, code = st.columns([2.2, 1], vertical_alignment="center")
    title.header(escaped(room.lesson.title), anchor=False)
    code.html(f'<div class="room-code">{room.code}</div>')
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.link_button("Open the board", f"room?{BOARD_KEY}={room.board}", icon=":material/open_in_new:")
        st.toggle("Lock room", value=room.locked, key="room.lock", on_change=_lock, args=(room,), width="content")
        st.toggle("Hide the board", value=room.hidden, key="room.hide", on_change=_hide, args=(room,), width="content")
        with st.popover("End and erase", icon=":material/delete:", width="content"):
            st.markdown("Ends the class for everybody and erases who was in and what they answered. Download it first.")
            if st.button("End and erase", type="primary", key="room.end"):
                room.end()
                st.rerun()
    st.markdown(f"Pupils open **{escaped(addresses()[0].removeprefix('http://'))}/room** and type the code.")
    if only_here():
        st.caption(
            "Only this computer can open that address: for phones start the app with `cnnfix app --address 0.0.0.0`. "
            "Without phones, tap for the class on the board."
        )


def _lock(room: Room) -> None:
    room.lock(bool(st.session_state["room.lock"]))


def _hide(room: Room) -> None:
    room.hide_board(bool(st.session_state["room.hide"]))


def _steps(room: Room, moment: Moment) -> None:
    st.subheader("Steps", anchor=False)
    phases = room.phases()
    with st.container(key="room-steps", gap="small"):
        _step_buttons(room, moment, phases)


def _step_buttons(room: Room, moment: Moment, phases: list[Phase]) -> None:
    for number, step in enumerate(room.lesson.steps):
        here = number == moment.step and moment.phase != "joining"
        state = _STATES.get(phases[number], "") if step.question else ""
        label = f"{number + 1}. {escaped(step.title)}" + (f" ({state})" if state else "")
        st.button(
            f"**{label}**" if here else label,
            key=f"room.step.{number}",
            type="secondary" if here else "tertiary",
            width="stretch",
            on_click=room.go_to,
            args=(number,),
        )


def _step(room: Room, moment: Moment, watch: dict[str, str]) -> None:
    step, joining = room.step, moment.phase == "joining"

    def reopen() -> None:
        room.reopen(moment)

    st.subheader("The class comes in" if joining else escaped(step.ask or step.title), anchor=False)
    components.counts({"asks": moment.phase in ("open", "closed"), "watch": watch})
    last = moment.phase == "revealed" and moment.step + 1 == len(room.lesson.steps)
    with st.container(key="room-act", horizontal=True):
        st.button(
            "The lesson is over" if last else _ACTS[moment.phase],
            type="primary",
            disabled=last,
            on_click=_advance,
            args=(room, moment),
            key=_NEXT,
        )
        if moment.step or not joining:
            st.button("Back", on_click=room.go_to, args=(max(0, moment.step - 1),), key=_BACK)
        if moment.phase == "closed":
            st.button("Open again", on_click=reopen, key="room.reopen")
    st.caption("Space, → or PageDown does the same; ← goes back a step.")
    if moment.phase in ("closed", "revealed") and step.question:
        _result(ready(room, moment.step), revealed(room, moment.step))
    elif not joining:
        scene = scene_at(room, moment.step)
        if scene:
            st.image(scene.phone.content, alt="The picture of this step")


def _result(scene: Scene | None, reveal: Reveal) -> None:
    """What the reveal will show, or shows: on the desk already before."""
    if scene and reveal.figures:
        first = reveal.figures[0]
        st.image(pasted(scene, first.overlay), caption=first.title, alt=first.title)
    for sentence in reveal.sentences:
        st.markdown(escaped(sentence))
    if reveal.bars:
        rows = [
            f"<span>{'✓ ' if right else ''}{escape(label)}</span><span>{n}</span>" for label, n, right in reveal.bars
        ]
        st.html(f'<div class="room-bars">{"".join(rows)}</div>')


def _notes(room: Room, moment: Moment) -> None:
    st.subheader("For you", anchor=False)
    if moment.phase == "joining":
        st.markdown(f"{escaped(room.lesson.goal)} About {room.lesson.minutes} minutes.")
        return
    step = room.step
    for line in turns(step.notes or "No notes for this step."):
        st.markdown(escaped(line))
    if step.hint:
        st.markdown(f"**Hint to give:** {escaped(' '.join(plain(step.hint)))}")


def turns(notes: str) -> list[str]:
    """Notes, without styles, as lines: what to say, to ask and to listen for each begins one."""
    return [line for paragraph in plain(notes) for line in _TURNS.split(paragraph)]


def _foot(room: Room) -> None:
    people, files = st.columns(2, gap="large")
    with people, st.expander("Phones in the room", key="room.people"):
        _pupils(room)
    with files, st.expander("Download the answers, without names", key="room.files"):
        name = f"answers-{room.lesson.name}"
        downloads(
            {
                f"{name}.csv": ("CSV", lambda: answers_csv(room)),
                f"{name}.pdf": ("Report", lambda: report_pdf(room)),
            }
        )


def _pupils(room: Room) -> None:
    pupils = room.pupils()
    if not pupils:
        st.markdown("Nobody yet.")
    for number, name, answered in pupils:
        who, what = st.columns([3, 1], vertical_alignment="center")
        who.markdown(escaped(name or f"Phone {number}") + (" has answered" if answered else ""))
        what.button("Remove", key=f"room.remove.{number}", on_click=room.remove, args=(number,))
