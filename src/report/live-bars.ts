import { MultiBar } from 'cli-progress';
import type { Expected, PhaseName, Progress } from './phase.ts';
import { liveLine, type PhaseState } from './phase-line.ts';

/** One bar at the foot of the terminal. */
export interface LiveBar {
  advance(done: number, also?: Progress): void;
  /** Takes the bar away and says how far it came; undefined if it was closed before. */
  close(): PhaseState | undefined;
}

/** All bars, and the lines above them. */
export interface LiveBars {
  open(name: PhaseName, expected: Expected): LiveBar;
  /** Writes lines above the bars. */
  print(text: string): void;
  /** Takes all bars away. */
  closeAll(): void;
}

const ERASE_TO_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** The bars at the foot of a terminal: drawn while there are some, and without a trace after. */
export function liveBars(out: NodeJS.WriteStream, nowMs: () => number): LiveBars {
  const open = new Set<() => PhaseState>();
  let drawing: MultiBar | undefined;

  function print(text: string): void {
    if (drawing === undefined) {
      out.write(`${text}\n`);
      return;
    }
    drawing.log(`${text.replaceAll('\n', `${ERASE_TO_LINE_END}\n`)}${ERASE_TO_LINE_END}\n`);
    drawing.update();
  }

  function openBar(name: PhaseName, expected: Expected): LiveBar {
    const startedMs = nowMs();
    let progress: Progress & { readonly done: number } = { done: 0 };
    const state = () => ({ name, expected, seconds: (nowMs() - startedMs) / 1000, ...progress });
    open.add(state);
    drawing ??= startDrawing(out);
    const bar = drawing.create(1, 0, { state });

    return {
      advance(done, also = {}) {
        progress = { done, ...also };
      },
      close() {
        if (!open.delete(state)) return undefined;
        if (open.size === 0) stopDrawing();
        else drawing?.remove(bar);
        return state();
      },
    };
  }

  function stopDrawing(): void {
    drawing?.stop();
    drawing = undefined;
  }

  function closeAll(): void {
    open.clear();
    stopDrawing();
  }

  return { open: openBar, print, closeAll };
}

/** One column stays free: a cursor in the last one is drawn in different places by terminals. */
function lineColumns(out: NodeJS.WriteStream): number {
  return (out.columns || 80) - 1;
}

function startDrawing(out: NodeJS.WriteStream): MultiBar {
  const drawn = new Map<PhaseName, number>();
  const bars = new MultiBar({
    stream: out,
    format(_options, _params, payload: { state: () => PhaseState }) {
      const line = liveLine(payload.state(), lineColumns(out));
      drawn.set(payload.state().name, line.length);
      return line;
    },
    clearOnComplete: true,
    // A message may have been written over a bar that has not changed since.
    forceRedraw: true,
    // Lines are cut to fit; switching the terminal's wrapping off would cut messages as well.
    linewrap: true,
  });
  // Between the two events the library moves the cursor up by one row for each bar but the last.
  bars.on('update-pre', () => {
    const extraRows = wrappedRows(drawn.values(), out);
    drawn.clear();
    if (extraRows === 0) return;
    out.write(`\u001b[${extraRows}A`);
    bars.once('redraw-pre', () => out.write(ERASE_BELOW));
  });
  return bars;
}

/** In a terminal that became narrower, drawn lines have wrapped: these rows are erased as well. */
function wrappedRows(lengths: Iterable<number>, out: NodeJS.WriteStream): number {
  let rows = 0;
  for (const length of lengths) rows += Math.max(0, Math.ceil(length / (out.columns || 80)) - 1);
  return rows;
}
