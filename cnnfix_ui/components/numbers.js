// Arithmetic that several components use.
export const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
export const mix = (from, to, t) => from + (to - from) * t;

// What Python packed as base64.
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
