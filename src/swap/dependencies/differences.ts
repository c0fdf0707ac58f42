import { quoteTable } from '../../postgres/quoting.ts';
import type { Dependents } from './dependents.ts';

/**
 * The parts of two readings that differ, each by its kind and name: `views "public"."v"`. Every part
 * is compared by its JSON text, which is made once: under the swap's locks time is dear, and a table
 * can have 1,600 columns.
 */
export function differences(before: Dependents, after: Dependents): readonly string[] {
  const kinds = Object.keys(before).filter((kind) => kind !== 'fingerprint');
  return kinds.flatMap((kind) => {
    const old = textsOf(before, kind);
    const current = textsOf(after, kind);
    if (isSameList([...old.keys()], [...current.keys()])) return [];
    const changed = [...without(old, current), ...without(current, old)];
    // The same items in another order: columns, or grants.
    if (changed.length === 0) return [`the order of ${wordsOf(kind)}`];
    return [...new Set(changed.map((item) => `${wordsOf(kind)} ${nameOf(item)}`))];
  });
}

/** The items of a kind, each by its JSON text. No two are alike: each has its name in it. */
function textsOf(dependents: Dependents, kind: string): ReadonlyMap<string, unknown> {
  const found: unknown = Reflect.get(dependents, kind);
  const items: readonly unknown[] = Array.isArray(found) ? found : [found];
  return new Map(items.map((item) => [JSON.stringify(item), item]));
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}

function without(
  items: ReadonlyMap<string, unknown>,
  others: ReadonlyMap<string, unknown>,
): readonly unknown[] {
  return [...items].filter(([text]) => !others.has(text)).map(([, item]) => item);
}

function wordsOf(kind: string): string {
  return kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The most telling name that an item has. */
function nameOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  const { schema, name, table, object, signature, column } = item as Record<string, unknown>;
  if (typeof schema === 'string' && typeof name === 'string') return quoteTable({ schema, name });
  if (typeof name === 'string') return name;
  if (typeof signature === 'string') return signature;
  const inner = object ?? table;
  const place = typeof inner === 'object' ? nameOf(inner) : String(inner);
  return typeof column === 'string' ? `${place}.${column}` : place;
}
