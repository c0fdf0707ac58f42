/** Labels take lower-case letters, digits, `_` and `-`, up to 63 (BigQuery, "Requirements for labels"). */
const MAX_LENGTH = 63;

/** The labels of a run's jobs, so that the bill shows what each target costs. */
export function jobLabels(runId: string, target: string): Readonly<Record<string, string>> {
  return { application: 'bq_to_postgres', target: labelValue(target), run: labelValue(runId) };
}

function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{Ll}\p{Lo}\p{N}_-]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, MAX_LENGTH);
}
