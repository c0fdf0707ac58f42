import { expect } from 'bun:test';
import type { Flags, LogLine, Outcome, World } from '../scenarios/fixture.ts';

/** Runs the program to a good end; gives the summary, and the warnings in it. */
export async function runWell(world: World, flags: Flags = {}) {
  const outcome = await world.run(flags);
  expect(outcome.text).not.toContain('"ERROR"');
  expect(outcome.exitCode).toBe(0);
  const summary = outcome.lines.at(-1) as LogLine;
  return { ...outcome, summary, warnings: (summary['warnings'] ?? []) as readonly string[] };
}

/** What a failed run told: the last error. */
export function errorOf({ lines }: Outcome): Record<string, unknown> {
  return lines.findLast(({ severity }) => severity === 'ERROR') ?? {};
}
