/** What a row holds in each of its columns, as PostgreSQL writes it. */
export type Row = Readonly<Record<string, string | null>> & { readonly id: string };

/** The source that a target follows, and another one of the same shape. */
export type SourceName = 'own' | 'other';

/** One way the world may be. It says what must hold, and nothing of how the program gets there. */
export interface State {
  /** The rows of the sources, as the account sees them. */
  readonly sources: Readonly<Record<SourceName, readonly Row[]>>;
  /** The rows of the target; undefined: there is no such table. */
  readonly target: readonly Row[] | undefined;
  /** Whether it has a primary key. */
  readonly keyed: boolean;
  /** The time up to which rows have arrived, in microseconds; undefined: all are still to come. */
  readonly low: number | undefined;
  /** What `sync_state` says of that: it lags where a run was stopped between two commits. */
  readonly shown: number | undefined;
  /** Whose rows the target holds; undefined: nobody knows any more. */
  readonly of: SourceName | undefined;
  /** Somebody has put another table in the place of the one that runs have filled. */
  readonly replaced: boolean;
  /** What full loads that were stopped may have exported: the next one may go on with it. */
  readonly exported: readonly (readonly Row[])[];
}

/** Before the first run. */
export const NOTHING: Omit<State, 'sources'> = {
  target: undefined,
  keyed: false,
  low: undefined,
  shown: undefined,
  of: undefined,
  replaced: false,
  exported: [],
};

/** When a row was ingested, in microseconds; undefined: nobody knows. */
export function timeOf(row: Row): number | undefined {
  const time = row['max_ingested_at'];
  return time == null ? undefined : Number(time);
}

/** The latest time of the rows. */
export function newestOf(rows: readonly Row[]): number | undefined {
  const times = rows.flatMap((row) => timeOf(row) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/**
 * What a run that ends well may leave; nothing where it has to refuse: the rows of another table, or of
 * another source, or rows that would come twice. Where somebody has emptied the ledger, and the state
 * tables are not in the search_path, it begins anew, which is as right.
 */
export function afterRun(state: State, from: SourceName): readonly State[] {
  const rows = state.sources[from];
  const anew = loaded(state, from, rows);
  if (state.low === undefined) {
    const resumed = state.exported.filter((old) => countUntil(rows, newestOf(old)) === old.length);
    return [anew, ...resumed.flatMap((old) => afterRun(loaded(state, from, old), from))];
  }
  const begun = state.of === undefined ? [anew] : [];
  const isOther = state.of !== undefined && state.of !== from;
  if (state.target === undefined || state.replaced || isOther) return begun;
  return [...begun, ...afterIncrement(state, state.low, from)];
}

function afterIncrement(state: State, low: number, from: SourceName): readonly State[] {
  const { target = [], keyed } = state;
  const rows = state.sources[from];
  const fresh = rows.filter((row) => isLater(row, low));
  if (fresh.length === 0) return [{ ...state, shown: low, exported: [] }];
  if (!keyed && target.some((row) => isLater(row, low))) return [];
  const now = newestOf(fresh);
  const all = keyed ? upserted(target, fresh) : [...target, ...fresh];
  return [{ ...state, target: all, low: now, shown: now, of: from, exported: [] }];
}

/** After a full load of these rows. */
function loaded(state: State, from: SourceName, rows: readonly Row[]): State {
  const low = newestOf(rows);
  const target = state.keyed ? newestOfEach(rows) : rows;
  return { ...state, target, low, shown: low, of: from, replaced: false, exported: [] };
}

/** A full load may go on with an export of rows that are still as many: corrections do not show. */
function countUntil(rows: readonly Row[], newest: number | undefined): number {
  const isThen = (time: number | undefined) =>
    time === undefined || (newest !== undefined && time <= newest);
  return rows.filter((row) => isThen(timeOf(row))).length;
}

function isLater(row: Row, low: number): boolean {
  const time = timeOf(row);
  return time !== undefined && time > low;
}

/** Of the rows of a key the newest; of equals the later in the list. */
function newestOfEach(rows: readonly Row[]): readonly Row[] {
  return upserted([], rows);
}

/** A column that the source no longer has keeps its value. */
function upserted(target: readonly Row[], fresh: readonly Row[]): readonly Row[] {
  const kept = new Map(target.map((row) => [row.id, row]));
  const added = new Map<string, Row>();
  for (const row of fresh) {
    const before = added.get(row.id) ?? kept.get(row.id);
    const isOlder = (timeOf(before ?? row) ?? -Infinity) > (timeOf(row) ?? -Infinity);
    if (!isOlder) added.set(row.id, { ...kept.get(row.id), ...row });
  }
  return [...new Map([...kept, ...added]).values()];
}

/**
 * What somebody does, as the steps that others may see it in: a run may fall between two of them. A
 * step may lead to several states.
 */
export type Change = readonly ((state: State) => readonly State[])[];

/** The states after the whole of a change. */
export function changed(state: State, change: Change): readonly State[] {
  return change.reduce<readonly State[]>((now, step) => now.flatMap(step), [state]);
}

/** After a run that ended well while `change` was made: as if all of it fell between two steps. */
export function afterRunDuring(state: State, change: Change, from: SourceName): readonly State[] {
  return interleaved(state, change, (now) => afterRun(now, from));
}

/**
 * After a run that did not end well: as it was, but for `change`. One whose end nobody saw may have
 * come to its commit, or further.
 */
export function afterFailure(
  state: State,
  change: Change,
  from: SourceName,
  isEndSeen: boolean,
): readonly State[] {
  const undone = interleaved(state, change, (now) => [
    now.low === undefined ? { ...now, exported: [...now.exported, now.sources[from]] } : now,
  ]);
  // What a run that was stopped before has committed may be settled now.
  const settled = undone.map((now) => ({ ...now, shown: now.low }));
  // The increment that follows a full load which was gone on with may fail by itself.
  if (isEndSeen && state.exported.length === 0) return [...undone, ...settled];
  const committed = interleaved(state, change, (now) =>
    afterRun(now, from).flatMap((after) => [after, { ...after, shown: now.shown }]),
  );
  return [...undone, ...settled, ...committed];
}

function interleaved(
  state: State,
  change: Change,
  run: (state: State) => readonly State[],
): readonly State[] {
  const places = Array.from({ length: change.length + 1 }, (_, place) => place);
  return places.flatMap((place) =>
    changed(state, change.slice(0, place))
      .flatMap(run)
      .flatMap((after) => changed(after, change.slice(place))),
  );
}
