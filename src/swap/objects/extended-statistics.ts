import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';
import { temporaryName } from '../temporary-names.ts';

/** Extended statistics (CREATE STATISTICS) on the target or on a materialized view. */
export interface Statistics extends TableName {
  readonly table: TableName;
  readonly owner: string;
  /** What stands between the name and the table: ` (ndistinct) ON a, b`. */
  readonly definition: string;
  readonly target: number | null;
}

interface StatisticsRow extends Statistics {
  readonly owned: boolean;
  readonly mayCreate: boolean;
  readonly ownerMayCreate: boolean;
}

/** The extended statistics of the given relations; they can be in any schema. */
export async function readStatistics(
  catalog: Catalog,
  relations: readonly number[],
): Promise<readonly Statistics[]> {
  const rows = await readRows<StatisticsRow>(
    catalog,
    catalog.sql`
    SELECT n.nspname AS schema, s.stxname AS name,
      json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
      pg_get_userbyid(s.stxowner) AS owner,
      -- CREATE STATISTICS schema.name definition FROM schema.table
      substr(def.text, length(def.prefix) + 1,
        length(def.text) - length(def.prefix) - length(def.suffix)) AS definition,
      NULLIF(s.stxstattarget, -1) AS target,
      pg_has_role(s.stxowner, 'USAGE')
        AND (s.stxowner = quote_ident(current_user)::regrole OR pg_has_role(s.stxowner, ${catalog.setRole}))
        AS owned,
      has_schema_privilege(n.oid, 'CREATE') AS "mayCreate",
      has_schema_privilege(s.stxowner, n.oid, 'CREATE') AS "ownerMayCreate"
    FROM pg_statistic_ext s
    JOIN pg_namespace n ON n.oid = s.stxnamespace
    JOIN pg_class t ON t.oid = s.stxrelid
    JOIN pg_namespace tn ON tn.oid = t.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_statisticsobjdef(s.oid) AS text,
      'CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) AS prefix,
      ' FROM ' || t.oid::regclass::text AS suffix) AS def
    WHERE s.stxrelid = ANY (${arrayText(relations)}::oid[])
    ORDER BY 1, 2`,
  );
  for (const row of rows) refuseStatistics(catalog, row);
  return rows.map(
    ({ owned: _owned, mayCreate: _may, ownerMayCreate: _owner, ...statistics }) => statistics,
  );
}

/** The name of `statistics` while they belong to staging: it follows from the definition. */
export function stagingStatisticsName(statistics: Statistics, staging: TableName): string {
  return temporaryName(staging, ['statistics', statistics]);
}

/** CREATE STATISTICS under `name` on `table`; ANALYZE fills them. */
export function createStatistics(
  statistics: Statistics,
  table: TableName,
  name: string,
): readonly string[] {
  const place = quoteTable({ schema: statistics.schema, name });
  const { definition, target, owner } = statistics;
  return [
    `CREATE STATISTICS IF NOT EXISTS ${place}${definition} FROM ${quoteTable(table)}`,
    ...(target === null ? [] : [`ALTER STATISTICS ${place} SET STATISTICS ${target}`]),
    `ALTER STATISTICS ${place} OWNER TO ${quoteIdentifier(owner)}`,
  ];
}

function refuseStatistics(catalog: Catalog, row: StatisticsRow): void {
  const user = quoteIdentifier(catalog.currentUser);
  if (!row.owned) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `statistics ${quoteTable(row)} belong to ${quoteIdentifier(row.owner)}, of which ${user} is not a member`,
      hint: `GRANT ${quoteIdentifier(row.owner)} TO ${user};`,
    });
  }
  if (!row.mayCreate) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${user} may not create statistics ${quoteTable(row)} anew in its schema`,
      hint: `GRANT CREATE ON SCHEMA ${quoteIdentifier(row.schema)} TO ${user};`,
    });
  }
  if (!row.ownerMayCreate && !catalog.superuser) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${quoteIdentifier(row.owner)}, owner of statistics ${quoteTable(row)}, may not create in their schema`,
      hint: `GRANT CREATE ON SCHEMA ${quoteIdentifier(row.schema)} TO ${quoteIdentifier(row.owner)};`,
    });
  }
}
