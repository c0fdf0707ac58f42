import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';
import { temporaryName } from '../temporary-names.ts';

/** Extended statistics (CREATE STATISTICS) on one of the tables or on a materialized view. */
export interface Statistics extends TableName {
  readonly table: TableName;
  readonly owner: string;
  /** What stands between the name and the table: ` (ndistinct) ON a, b`. */
  readonly definition: string;
  readonly target: number | null;
}

interface StatisticsFacts {
  readonly owned: boolean;
  readonly mayCreate: boolean;
  readonly ownerMayCreate: boolean;
}

/** The extended statistics of the relations; they can be in any schema. */
export const readStatistics: Reader<Statistics> = (catalog, { relations }) => catalog.objects(
  refuseStatistics,
)`
    SELECT n.nspname AS schema, s.stxname AS name,
      json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
      pg_get_userbyid(s.stxowner) AS owner,
      -- CREATE STATISTICS schema.name definition FROM schema.table
      substr(def.text, length(def.prefix) + 1,
        length(def.text) - length(def.prefix) - length(def.suffix)) AS definition,
      NULLIF(s.stxstattarget, -1) AS target,
      json_build_object(
        'owned', pg_has_role(s.stxowner, 'USAGE') AND (s.stxowner = quote_ident(current_user)::regrole
          OR pg_has_role(s.stxowner, ${catalog.setRole})),
        'mayCreate', has_schema_privilege(n.oid, 'CREATE'),
        'ownerMayCreate', has_schema_privilege(s.stxowner, n.oid, 'CREATE')) AS facts
    FROM pg_statistic_ext s
    JOIN pg_namespace n ON n.oid = s.stxnamespace
    JOIN pg_class t ON t.oid = s.stxrelid
    JOIN pg_namespace tn ON tn.oid = t.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_statisticsobjdef(s.oid) AS text,
      'CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) AS prefix,
      ' FROM ' || t.oid::regclass::text AS suffix) AS def
    WHERE s.stxrelid = ANY (${arrayText(relations)}::oid[])
    ORDER BY 1, 2`;

/** CREATE STATISTICS under `name` on `table`; ANALYZE fills them. */
export function createStatistics(
  { schema, definition, target, owner }: Statistics,
  table: TableName,
  name: string,
): readonly string[] {
  const place = quoteTable({ schema, name });
  return [
    `CREATE STATISTICS IF NOT EXISTS ${place}${definition} FROM ${quoteTable(table)}`,
    ...(target === null ? [] : [`ALTER STATISTICS ${place} SET STATISTICS ${target}`]),
    `ALTER STATISTICS ${place} OWNER TO ${quoteIdentifier(owner)}`,
  ];
}

/** The name of `statistics` while they belong to staging: it follows from the definition. */
export function stagingStatisticsName(statistics: Statistics, staging: TableName): string {
  return temporaryName(staging, ['statistics', statistics]);
}

function refuseStatistics(refuse: Refusals, statistics: Statistics, facts: StatisticsFacts): void {
  const { schema, owner } = statistics;
  const object = `statistics object ${quoteTable(statistics)}`;
  if (!facts.owned) refuse.missingMembership(object, owner);
  if (!facts.mayCreate) refuse.missingCreate(object, schema);
  if (!facts.ownerMayCreate) refuse.ownerMissingCreate(object, owner, schema);
}
