import type { TableField, TableMetadata } from '@google-cloud/bigquery';
import { type SourceName, sourcePath, sourceText } from './source-name.ts';

/** What the statistics of a job say about rows and values it was not shown (REST reference, JobStatistics). */
export interface Visibility {
  /** rowLevelSecurityApplied: a table that was read has row access policies. */
  readonly rowPolicies: boolean;
  /** dataMaskingApplied: some of the values are masks. */
  readonly masked: boolean;
  /** Who ran the job. */
  readonly account: string | undefined;
}

const FINE_GRAINED_READER = 'roles/datacatalog.categoryFineGrainedReader';

/** Warns of columns that this account may see masked, or not at all. */
export function tagWarnings(name: SourceName, metadata: TableMetadata): readonly string[] {
  const tagged = taggedFields(metadata.schema?.fields ?? [], '');
  if (tagged.length === 0) return [];
  return [
    `table ${sourceText(name)} has policy tags on ${tagged.join(', ')}: where they mask values for this account, the masked values are loaded; ${FINE_GRAINED_READER} on the tags shows it the values themselves`,
  ];
}

/**
 * Warns of what the export was not shown. Row access policies do not show in tables.get, and
 * are reported also where they let this account see every row.
 */
export function jobWarnings(name: SourceName, visibility: Visibility): readonly string[] {
  const { rowPolicies, masked, account } = visibility;
  const table = sourceText(name);
  const warnings: string[] = [];
  if (rowPolicies) {
    warnings.push(
      `table ${table}, or one that it reads, has row access policies: only rows that they show ${account ?? 'this account'} are loaded. For all rows: CREATE ROW ACCESS POLICY bq_to_postgres ON ${sourcePath(name)} GRANT TO ('${principal(account)}') FILTER USING (TRUE); then a full load`,
    );
  }
  if (masked) {
    warnings.push(
      `values of table ${table} are masked for ${account ?? 'this account'}, and the masks are loaded. For the values themselves: ${FINE_GRAINED_READER} on the policy tags; then a full load`,
    );
  }
  return warnings;
}

function principal(account: string | undefined): string {
  if (account === undefined) return 'serviceAccount:...';
  return `${account.endsWith('.gserviceaccount.com') ? 'serviceAccount' : 'user'}:${account}`;
}

/** TableFieldSchema.policyTags and .dataPolicies, at any depth. */
function taggedFields(fields: readonly TableField[], prefix: string): readonly string[] {
  return fields.flatMap((field) => {
    const path = `${prefix}${field.name}`;
    const { dataPolicies } = field as { readonly dataPolicies?: readonly unknown[] };
    const tagged = field.policyTags?.names?.length || dataPolicies?.length;
    return [...(tagged ? [path] : []), ...taggedFields(field.fields ?? [], `${path}.`)];
  });
}
