/** The types of the extension `vector` (pgvector) that an array of numbers goes into, by pg_type.typname. */
export const VECTOR_TYPES = ['vector', 'halfvec', 'sparsevec'] as const;

export type VectorType = (typeof VECTOR_TYPES)[number];

/** Whether `name`, a pg_type.typname, is one of them. */
export function isVectorType(name: string): name is VectorType {
  return (VECTOR_TYPES as readonly string[]).includes(name);
}
