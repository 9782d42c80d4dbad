// Colours that several components use, whatever the theme.
export const POINT = { fill: "#19e3ff", edge: "#06222b" }; // of fixations, and of places that hold evidence

// Red, green and blue of "#rrggbb".
export const channels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
