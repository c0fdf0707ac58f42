import type { JobMetadata } from '@google-cloud/bigquery';

/** What jobs cost (REST reference, JobStatistics2). */
export interface JobCost {
  /** Bytes that are billed on demand; informational where slots are paid for by capacity. */
  readonly bytesBilled: number;
  readonly slotMs: number;
}

export const NO_COST: JobCost = { bytesBilled: 0, slotMs: 0 };

/** Reads what a job that is done has cost; nothing where BigQuery answered from its cache. */
export function readCost({ statistics }: JobMetadata): JobCost {
  const { cacheHit, totalBytesBilled, totalSlotMs } = statistics?.query ?? {};
  if (cacheHit === true) return NO_COST;
  return { bytesBilled: Number(totalBytesBilled ?? 0), slotMs: Number(totalSlotMs ?? 0) };
}

export function addCosts(one: JobCost, other: JobCost): JobCost {
  return {
    bytesBilled: one.bytesBilled + other.bytesBilled,
    slotMs: one.slotMs + other.slotMs,
  };
}
