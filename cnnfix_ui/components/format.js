// Numbers in words.
const RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";

// Two digits are enough to compare by, as in "3.0 %" and "0.31 %"; always two, so that a list of them is even.
export function percent(share) {
  const value = 100 * share;
  if (value >= 9.95) return `${Math.round(value)} %`;
  if (value > 0 && value < 0.01) return "< 0.01 %";
  return value > 0 ? `${value.toPrecision(2)} %` : "0 %";
}

// A pixel of a picture, counted from 0.
export const pixelWords = (x, y) => `x ${x}, y ${y} px`;

export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

// Three digits, as in "2.31" and "0.0312"; a true minus sign.
export function threeDigits(value) {
  return numberWriter([value])(value);
}

// How to write numbers that stand together: all with the decimals that give the largest this many digits.
export function numberWriter(numbers, digits = 3) {
  const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
  const power = largest > 0 ? Math.floor(Math.log10(largest)) : 0;
  if (power < -4 || power > 6) return powerOfTen;
  const decimals = Math.max(0, digits - 1 - power);
  return (value) => {
    if (value === 0) return "0"; // nothing at all, unlike "0.0"
    const text = Math.abs(value).toFixed(decimals);
    return value < 0 && Number(text) !== 0 ? `−${text}` : text;
  };
}

function powerOfTen(value) {
  if (value === 0) return "0";
  const [digits, power] = value.toExponential(2).replace("-", value < 0 ? "−" : "-").split("e");
  const raised = [...power.replace("+", "")].map((letter) => RAISED["-0123456789".indexOf(letter)]);
  return `${digits} · 10${raised.join("")}`;
}
