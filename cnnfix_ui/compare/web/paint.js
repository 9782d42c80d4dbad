// From values to colours. Pixels are written whole: alpha, blue, green, red in one number.
import { channels } from "../../components/colours.js";
import { mix } from "../../components/numbers.js";

const BETWEEN = 256; // colours of a continuous scale
const LESS = "#2f8fe8"; // blue and orange: told apart with every kind of colour vision
const MORE = "#f08a1d";
const STRONGEST = 0.92; // opacity

const pixel = ([red, green, blue], opacity) =>
  ((Math.round(255 * opacity) << 24) | (blue << 16) | (green << 8) | red) >>> 0;

export const bandTable = (bands) => Uint32Array.from(bands, ({ colour, opacity }) => pixel(channels(colour), opacity));

// The bands' colours, run together, from the weakest to the strongest.
export function scaleTable(bands) {
  const stops = bands.map(({ colour, opacity }) => [...channels(colour), opacity]).reverse();
  stops.unshift([...stops[0].slice(0, 3), 0]);
  return Uint32Array.from({ length: BETWEEN }, (_, n) => {
    const at = (n / (BETWEEN - 1)) * (stops.length - 1);
    const below = Math.min(stops.length - 2, Math.floor(at));
    const mixed = stops[below].map((value, part) => mix(value, stops[below + 1][part], at - below));
    return pixel(mixed.slice(0, 3).map(Math.round), mixed[3]);
  });
}

// From far less over nothing to far more.
export const differenceTable = () => Uint32Array.from({ length: 2 * BETWEEN - 1 }, (_, n) => {
  const at = n / (BETWEEN - 1) - 1;
  return pixel(channels(at < 0 ? LESS : MORE), STRONGEST * Math.min(1, Math.abs(at) * 2));
});

// A table as a CSS gradient, for legends.
export function gradient(table) {
  const stops = [];
  for (let n = 0; n <= 24; n++) {
    const colour = table[Math.round((n / 24) * (table.length - 1))];
    stops.push(`rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255} / ${(colour >>> 24) / 255})`);
  }
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

export function paintBands(values, floors, table, pixels) {
  const last = floors.length - 1;
  for (let n = 0; n < pixels.length; n++) {
    const value = values[n];
    if (!(value >= floors[last])) {
      pixels[n] = 0;
      continue;
    }
    let band = last;
    while (band > 0 && value >= floors[band - 1]) band--;
    pixels[n] = table[band];
  }
}

// Roots, so that weak places can be seen beside peaks.
export function paintScale(values, most, table, pixels) {
  const factor = most > 0 ? 1 / most : 0;
  for (let n = 0; n < pixels.length; n++) {
    pixels[n] = table[Math.min(BETWEEN - 1, (Math.sqrt(values[n] * factor) * BETWEEN) | 0)];
  }
}

export function paintDifference(values, others, range, table, pixels) {
  const factor = range > 0 ? 1 / range : 0;
  for (let n = 0; n < pixels.length; n++) {
    const away = values[n] - others[n];
    const step = Math.min(BETWEEN - 1, (Math.sqrt(Math.abs(away) * factor) * BETWEEN) | 0);
    pixels[n] = table[away < 0 ? BETWEEN - 1 - step : BETWEEN - 1 + step];
  }
}
