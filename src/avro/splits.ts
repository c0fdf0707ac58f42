import type { ObjectInfo } from '../google/object-info.ts';

/**
 * A range of an object's bytes. It owns the blocks whose first byte (the one after the header or
 * after the preceding sync marker) lies in [start, end); the splits of an object cover it without
 * gap or overlap.
 */
export interface Split {
  /** The same in every run for the same object, generation and range. */
  readonly id: string;
  readonly object: ObjectInfo;
  readonly start: number;
  readonly end: number;
}

/** The splits of all objects, in order: each object in equal parts of at most `splitBytes`. */
export function planSplits(objects: readonly ObjectInfo[], splitBytes: number): readonly Split[] {
  return objects.flatMap((object) => splitsOf(object, splitBytes));
}

/**
 * The splits in groups for one COPY each, in order: small ones travel together as long as they have at
 * most `groupBytes`, larger ones alone.
 */
export function groupSplits(
  splits: readonly Split[],
  groupBytes: number,
): readonly (readonly Split[])[] {
  const groups: Split[][] = [];
  let left = 0;
  for (const split of splits) {
    const bytes = split.end - split.start;
    left -= bytes;
    const group = left >= 0 ? groups.at(-1) : undefined;
    if (group !== undefined) {
      group.push(split);
      continue;
    }
    groups.push([split]);
    left = groupBytes - bytes;
  }
  return groups;
}

function splitsOf(object: ObjectInfo, splitBytes: number): readonly Split[] {
  const count = Math.max(1, Math.ceil(object.size / splitBytes));
  const edge = (index: number) => Math.floor((object.size * index) / count);
  return Array.from({ length: count }, (_, index) => {
    const [start, end] = [edge(index), edge(index + 1)];
    return { id: `${object.name}#${object.generation}:${start}-${end}`, object, start, end };
  });
}
