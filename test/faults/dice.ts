/** Chance that a seed makes the same again. */
export interface Dice {
  /** In [from, to). */
  between(from: number, to: number): number;
  pick<T>(choices: readonly T[]): T;
  /** Picks again and again, each choice as often as the others. */
  deal<T>(choices: readonly T[]): () => T;
}

/** mulberry32 of Tommy Ettinger: small, and good enough to throw dice. */
export function diceOf(seed: number): Dice {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (from: number, to: number) => Math.floor(from + next() * (to - from));
  const pick = <T>(choices: readonly T[]) => choices[between(0, choices.length)] as T;
  const deal = <T>(choices: readonly T[]) => {
    let left: T[] = [];
    return () => {
      if (left.length === 0) left = [...choices];
      return left.splice(between(0, left.length), 1)[0] as T;
    };
  };
  return { between, pick, deal };
}
