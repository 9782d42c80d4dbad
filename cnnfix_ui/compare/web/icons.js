// Paths in a square of 24 by 24.
export const ICONS = {
  pin: "M16 3v2l-1 1v5l3 3v2h-5v6l-1 1-1-1v-6H6v-2l3-3V6L8 5V3z",
  cross: "M18.3 5.7 12 12l6.3 6.3-1.4 1.4L10.6 13.4l-6.3 6.3-1.4-1.4L9.2 12 2.9 5.7l1.4-1.4 6.3 6.3 6.3-6.3z",
  down: "M7 10l5 5 5-5z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  minus: "M5 11h14v2H5z",
  undo: "M8 5V1L3 6l5 5V7h5a5 5 0 0 1 0 10H6v2h7a7 7 0 0 0 0-14z",
  stop: "M6 6h12v12H6z",
};
