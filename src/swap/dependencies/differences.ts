import { quoteTable } from '../../postgres/quoting.ts';
import type { Dependents } from './dependents.ts';

/** The parts of two readings that differ, each by its kind and name: `views "public"."v"`. */
export function differences(before: Dependents, after: Dependents): readonly string[] {
  const kinds = Object.keys(before).filter((kind) => kind !== 'fingerprint');
  return kinds.flatMap((kind) => {
    const old = itemsOf(before, kind);
    const current = itemsOf(after, kind);
    const changed = [
      ...old.filter((item) => !current.some((other) => isSame(item, other))),
      ...current.filter((item) => !old.some((other) => isSame(item, other))),
    ];
    const names = [...new Set(changed.map((item) => `${wordsOf(kind)} ${nameOf(item)}`))];
    // The same items in another order: columns, or grants.
    if (names.length === 0 && !isSame(old, current)) return [`the order of ${wordsOf(kind)}`];
    return names;
  });
}

function itemsOf(dependents: Dependents, kind: string): readonly unknown[] {
  const found: unknown = Reflect.get(dependents, kind);
  return Array.isArray(found) ? found : [found];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
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
