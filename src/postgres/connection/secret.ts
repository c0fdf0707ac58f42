/** A text that no log shows: inspecting, joining or serialising it does not reveal it. */
export interface Secret {
  /** The text itself. Call it where it leaves the process, and nowhere else. */
  readonly reveal: () => string;
}

/** Hides `text`. */
export function secret(text: string): Secret {
  return Object.freeze({ reveal: () => text });
}
