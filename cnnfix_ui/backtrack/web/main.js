// Puts the parts together, and takes what a person does to the playback.
import { element, hasModifier, hasOwnUse } from "../../components/dom.js";
import { createBelow } from "./below.js";
import { ANSWER } from "./events.js";
import { createPlayback } from "./playback.js";
import { drawHop, drawPlaying } from "./hop.js";
import { drawMaps } from "./maps.js";
import { readLit, readWalk } from "./points.js";
import { createStage } from "./stage.js";
import { createStrip } from "./strip.js";
import { createTalk } from "./talk.js";
import { createTransport } from "./transport.js";
import { createWhere } from "./where.js";

const HABITS = { speed: 1, fields: false, map: true }; // kept when another playback starts

// Runs again whenever Python sends other data. A playback that goes on stays as it is.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".playback");
  root.classList.toggle("presented", data.presented);
  if (root.shown?.id !== data.id) {
    root.shown?.stop();
    root.shown = show(root.firstElementChild, data, () => setTriggerValue("compare", true));
  }
  const run = (root.run = (root.run ?? 0) + 1);
  return () => {
    if (run !== root.run) return; // an older run's end must not stop what a newer one shows
    root.shown.stop();
    root.shown = null;
  };
}

function show(frame, playback, compare) {
  const walks = playback.walks.map(readWalk);
  const shown = { answer: null };
  const act = createPlayback(playback, walks, {
    changed: () => update(),
    paint: () => stages.forEach((stage) => stage.paint()),
    rested: () => talk.soon(),
    speed: HABITS.speed,
  });
  const { view } = act;
  Object.assign(view, { fields: HABITS.fields, map: HABITS.map });
  const talk = createTalk(playback, () => ({ step: view.step, chosen: view.chosen }), (answer, overruled) => {
    if (overruled && !view.playing) {
      act.go(answer.step);
      talk.hush(); // Python knows
    }
    take(answer);
  });

  act.speed = (value) => { view.speed = HABITS.speed = value; };
  act.choose = (choice, step = view.step) => {
    view.chosen = choice;
    view.lit = null;
    talk.chosenChanged();
    if (step !== view.step) act.go(step);
    else {
      act.pause();
      update();
      stages.forEach((stage) => stage.paint());
    }
    talk.soon(0);
  };
  const goTo = ({ step, chosen }) => {
    if (chosen === undefined) act.go(step);
    else act.choose(chosen, step);
  };
  const turn = (habit) => () => {
    view[habit] = HABITS[habit] = !view[habit];
    update();
    stages.forEach((stage) => stage.paint());
  };
  act.fields = turn("fields");
  act.map = turn("map");
  act.compare = compare;

  const strip = createStrip(playback, walks, act);
  const where = createWhere(playback);
  const transport = createTransport(playback, act, view.speed);
  const below = createBelow(playback, walks, act);
  const read = () => below.update(view, shown.answer, stages.map((stage) => stage.looked()).find(Boolean));
  const stages = walks.map((walk, n) => createStage(playback, walk, view, {
    follows: n === 0, titled: walks.length > 1, act, read,
  }));
  const hop = element("section", "hop");
  hop.setAttribute("aria-label", "What decided this hop");
  const maps = element("section", "maps");
  maps.setAttribute("aria-label", "Feature maps");
  const pictures = element("div", "pictures", ...stages.map((stage) => stage.node));
  const look = element("section", "look", where.node, pictures, transport.node, below.node);
  frame.replaceChildren(strip.node, element("div", `body walks-${walks.length}`, look, hop, maps));
  frame.tabIndex = -1;

  const update = () => {
    const waits = shown.answer?.step !== view.step;
    if (view.playing) drawPlaying(hop, playback.blocks[view.blockOf(view.step)], playback.steps[view.step]);
    else if (shown.answer) drawHop(hop, shown.answer, goTo);
    maps.classList.toggle("passes", view.playing);
    for (const section of [hop, maps]) {
      section.classList.toggle("waits", waits && !view.playing);
      section.setAttribute("aria-busy", String(waits));
    }
    for (const stage of stages) {
      stage.update();
      if (waits) stage.lay(null, null, "");
    }
    strip.update(view);
    where.update(view);
    transport.update(view);
    read();
  };
  const take = (answer) => {
    shown.answer = answer;
    // Python knows what is chosen: another one, perhaps, when the address changed.
    const same = answer.chosen && view.chosen?.step === answer.chosen.step;
    view.chosen = answer.chosen && { ...(same ? view.chosen : {}), step: answer.chosen.step };
    view.current = answer.point; // the one that the hop is about
    view.lit = answer.lit && readLit(walks[0], answer.lit);
    drawMaps(maps, answer, goTo, stages[0].lay);
    update();
    stages.forEach((stage) => stage.paint());
  };

  const listening = new AbortController();
  frame.onkeydown = (event) => onKey(event, act, playback);
  window.addEventListener("keydown", (event) => onPageKey(event, act, frame), { signal: listening.signal });
  window.addEventListener(ANSWER, (event) => talk.receive(event.detail), { signal: listening.signal });
  update();
  if (window.cnnfixAnswer?.step === view.step) talk.receive(window.cnnfixAnswer);
  return {
    id: playback.id,
    stop: () => {
      listening.abort();
      talk.hush();
      act.stop();
      stages.forEach((stage) => stage.stop());
    },
  };
}

// The keys of the player wherever the focus is, unless somebody types or a control uses them itself.
function onPageKey(event, act, frame) {
  const press = { " ": act.playOrPause, ArrowLeft: act.back, ArrowRight: act.forward }[event.key];
  if (!press || event.defaultPrevented || hasModifier(event)) return;
  if (event.composedPath().includes(frame) || hasOwnUse(event)) return;
  event.preventDefault();
  press();
}

// Keys that work wherever the focus is in the component, unless what has the focus needs them itself.
function onKey(event, act, playback) {
  const { view } = act;
  const target = event.target;
  const slider = target.matches('input[type="range"]');
  if (event.defaultPrevented || hasModifier(event)) return;
  if (target.matches("textarea, select, [contenteditable]") || (target.matches("input") && !slider)) return;
  const number = view.blockOf(view.step);
  const block = playback.blocks[number];
  const inTree = target.matches('[role="treeitem"]');
  const actions = {
    o: () => act.toggleHere(),
    O: () => act.toggleHere(),
    Escape: () => view.chosen && act.choose(null),
  };
  if (!slider) Object.assign(actions, { ArrowLeft: act.back, ArrowRight: act.forward, Home: act.first, End: act.last });
  if (!target.matches('button, [role="gridcell"]')) actions[" "] = act.playOrPause;
  if (inTree) actions.Enter = () => act.toggleHere();
  if (!slider && view.open.has(number)) {
    if (view.step < block.last) actions.ArrowDown = () => act.go(view.step + 1);
    if (view.step > block.first) actions.ArrowUp = () => act.go(block.first);
  }
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}
