// The playback: where it is, what moves, what is chosen. Everything else draws what this knows.
import { prefersStill } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";

const STEP_MS = 700; // a step at normal speed, three quarters of it in motion
const HAND_MS = 420; // a step by hand
const SAME_MS = 220; // when nothing moves

const ease = (t) => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

export const isLast = (playback, view) => view.step === playback.steps.length - 1;

// playback: as Python sent it. changed(): somewhere else, or playing or not. paint(): draw the points. rested(): a
// person went somewhere, or stopped it. Returns the view, which others read, and what can be done with it.
export function createPlayback(playback, walks, { changed, paint, rested, speed }) {
  const view = {
    step: playback.start.step,
    open: new Set(),
    visible: [],
    playing: false,
    moving: false,
    speed,
    scene: null, // between which two steps the points are, and how far
    chosen: null,
    lit: null,
    current: -1,
    fields: false,
    map: true, // whether the last step shows the map, not the points
    blockOf: (step) => playback.blocks.findIndex((block) => step <= block.last),
  };
  const end = playback.steps.length - 1;
  let frame = 0;
  let began = 0;
  let lasts = 0;
  let ahead = true;
  let timer = 0;

  const rest = () => {
    view.moving = false;
    view.scene = { upper: view.step, lower: view.step, t: 1 };
  };
  const draw = (now) => {
    began ||= now;
    const t = Math.min(1, (now - began) / lasts);
    frame = 0;
    if (t < 1) {
      view.scene.t = ease(ahead ? t : 1 - t);
      frame = requestAnimationFrame(draw);
    } else rest();
    paint();
  };
  const moves = (from, to) => walks.some((walk) => walk.steps[from].cloud !== walk.steps[to].cloud);
  const showVisible = () => {
    const number = view.blockOf(view.step);
    if (view.step !== playback.blocks[number].first && view.step !== end) view.open.add(number);
    view.visible = playback.blocks.flatMap((block, n) => {
      const length = view.open.has(n) ? block.last - block.first + 1 : 1;
      return Array.from({ length }, (_, k) => block.first + k);
    });
    if (view.visible.at(-1) !== end) view.visible.push(end);
  };
  const to = (step, duration) => {
    cancelAnimationFrame(frame);
    frame = 0;
    const before = view.step;
    view.step = step;
    showVisible();
    rest();
    if (duration && before !== step && moves(before, step) && !prefersStill()) {
      ahead = step > before;
      view.scene = { upper: Math.min(before, step), lower: Math.max(before, step), t: ahead ? 0 : 1 };
      view.moving = true;
      [began, lasts] = [0, duration];
      frame = requestAnimationFrame(draw);
    }
    changed();
    paint();
  };
  const goOn = () => {
    const next = view.visible[view.visible.indexOf(view.step) + 1];
    if (next === undefined) return pause();
    const pace = (prefersStill() || moves(view.step, next) ? STEP_MS : SAME_MS) / view.speed;
    to(next, 0.75 * pace);
    timer = setTimeout(goOn, pace);
  };
  const pause = () => {
    clearTimeout(timer);
    if (!view.playing) return;
    view.playing = false;
    changed();
    rested();
  };
  const play = () => {
    view.playing = true;
    if (view.step === end) to(view.visible[0], 0);
    else changed();
    timer = setTimeout(goOn, SAME_MS);
  };
  const go = (step, duration = HAND_MS) => {
    if (step === undefined) return;
    clearTimeout(timer);
    view.playing = false;
    to(clamp(step, 0, end), duration);
    rested();
  };
  const toggle = (number) => {
    const block = playback.blocks[number];
    if (block.first === block.last) return;
    if (!view.open.delete(number)) view.open.add(number);
    else if (view.blockOf(view.step) === number && view.step !== end) return go(block.first);
    showVisible();
    changed();
  };
  const by = (steps) => view.visible[view.visible.indexOf(view.step) + steps];
  showVisible();
  rest();
  return {
    view,
    go,
    toggle,
    pause,
    jump: (number) => go(view.visible[number], 0.5 * HAND_MS),
    back: () => go(by(-1)),
    forward: () => go(by(1)),
    first: () => go(view.visible[0]),
    last: () => go(end),
    playOrPause: () => (view.playing ? pause() : play()),
    toggleHere: () => toggle(view.blockOf(view.step)),
    stop: () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}
