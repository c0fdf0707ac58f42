import {
  amountText,
  bytesText,
  countText,
  secondsText,
  shortCountText,
  unitFor,
} from './figures.ts';
import type { Expected, PhaseName, Progress } from './phase.ts';

/** What is known of a phase at one moment. */
export interface PhaseState extends Progress {
  readonly name: PhaseName;
  readonly expected: Expected;
  readonly done: number;
  /** Since the phase began. */
  readonly seconds: number;
}

const MIN_BAR_COLUMNS = 8;
const MAX_BAR_COLUMNS = 30;
const NAME_COLUMNS = 8;
const GAP = '  ';

/** A phase that is over, in one line: `load: 3,000,000 rows, 211 MB in 4.2 s, 714,285 rows/s`. */
export function finishedLine(state: PhaseState): string {
  const rows = rowsOf(state);
  const unit = state.expected.unit;
  const amounts = [
    unit !== undefined && unit !== 'rows' && amountText(state.done, unit),
    rows !== undefined && amountText(rows, 'rows'),
    state.bytes !== undefined && bytesText(state.bytes),
  ].filter((amount) => amount !== false);
  const rate = rows !== undefined && state.seconds > 0 ? rows / state.seconds : undefined;
  const perSecond = rate === undefined ? '' : `, ${countText(rate)} rows/s`;
  const separator = amounts.length > 0 ? ' in ' : '';
  return `${state.name}: ${amounts.join(', ')}${separator}${secondsText(state.seconds)}${perSecond}`;
}

/**
 * A phase under way, in one line of at most `columns` characters: what matters least is left out
 * first, the bar shrinks, and only then is the line cut.
 */
export function liveLine(state: PhaseState, columns: number): string {
  const name = state.name.padEnd(NAME_COLUMNS);
  const total = state.expected.total;
  const line =
    total === undefined || total <= 0
      ? [name, movingMark(state.seconds), ...fitting(openPieces(state), columns - NAME_COLUMNS - 3)]
      : barLine(name, Math.min(1, state.done / total), state, columns);
  return line.join(GAP).slice(0, Math.max(0, columns));
}

function barLine(name: string, share: number, state: PhaseState, columns: number): string[] {
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const room = columns - NAME_COLUMNS - GAP.length - MIN_BAR_COLUMNS - GAP.length - percent.length;
  const pieces = fitting(closedPieces(state, share), room);
  const left = columns - [name, percent, ...pieces, ''].join(GAP).length;
  return [name, bar(share, Math.min(MAX_BAR_COLUMNS, left)), percent, ...pieces];
}

interface Piece {
  readonly text: string;
  /** The higher, the later it is left out. */
  readonly weight: number;
}

function closedPieces(state: PhaseState, share: number): readonly Piece[] {
  const { done, seconds, expected } = state;
  const { total = 0, unit = '' } = expected;
  const left = share > 0 && seconds >= 1 ? (seconds / share) * (1 - share) : undefined;
  const counts = `${shortCountText(done)} of ${shortCountText(total)} ${unitFor(total, unit)}`;
  return [
    { text: counts.trimEnd(), weight: 1 },
    ...ratePiece(state),
    ...(left === undefined ? [] : [{ text: `${secondsText(left)} left`, weight: 3 }]),
  ];
}

function openPieces(state: PhaseState): readonly Piece[] {
  const { done, expected } = state;
  const counts =
    done > 0
      ? [{ text: `${shortCountText(done)} ${unitFor(done, expected.unit ?? '')}`, weight: 2 }]
      : [];
  const bytes = state.bytes === undefined ? [] : [{ text: bytesText(state.bytes), weight: 1 }];
  return [{ text: secondsText(state.seconds), weight: 3 }, ...counts, ...bytes];
}

function ratePiece(state: PhaseState): readonly Piece[] {
  const rows = rowsOf(state);
  if (rows === undefined || state.seconds < 1) return [];
  return [{ text: `${shortCountText(rows / state.seconds)} rows/s`, weight: 2 }];
}

function rowsOf(state: PhaseState): number | undefined {
  return state.rows ?? (state.expected.unit === 'rows' ? state.done : undefined);
}

/** The pieces that find room, the heaviest first, in their own order. */
function fitting(pieces: readonly Piece[], room: number): string[] {
  let left = room;
  const kept = new Set<Piece>();
  for (const piece of pieces.toSorted((one, other) => other.weight - one.weight)) {
    if (piece.text.length + GAP.length > left) break;
    left -= piece.text.length + GAP.length;
    kept.add(piece);
  }
  return pieces.filter((piece) => kept.has(piece)).map((piece) => piece.text);
}

function bar(share: number, columns: number): string {
  const width = Math.max(0, columns);
  const full = Math.round(share * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Moves as long as time passes, so that a silent phase is seen to be alive. */
function movingMark(seconds: number): string {
  return '|/-\\'[Math.floor(seconds * 8) % 4] ?? '|';
}
