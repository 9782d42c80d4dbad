// What a person did, to Python. A trigger that comes while another one waits replaces it, so each carries all acts that
// Python has not yet said it heard.
const KEPT_ACTS = 20;

export function createTalk() {
  const who = Math.random().toString(36).slice(2);
  let number = 0;
  let unheard = [];
  let trigger = null;
  return {
    through: (setTriggerValue) => { trigger = setTriggerValue; },
    // The act's number, to know when it was heard.
    send: (act) => {
      unheard = [...unheard, [++number, act]].slice(-KEPT_ACTS);
      trigger("act", { who, acts: unheard });
      return number;
    },
    // The number of the last act that Python heard.
    heard: (told) => {
      const last = told && told[0] === who ? told[1] : 0;
      unheard = unheard.filter(([one]) => one > last);
      return last;
    },
  };
}
