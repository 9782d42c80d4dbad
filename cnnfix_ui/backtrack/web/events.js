// Events on the window by which the playback asks Python, through the relay, and is answered.
export const ASK = "cnnfix:ask";
export const ANSWER = "cnnfix:answer";
