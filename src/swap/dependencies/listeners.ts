import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import type { Catalog } from '../catalog.ts';

interface StagingPublication {
  readonly name: string;
  /** null: FOR ALL TABLES. */
  readonly schema: string | null;
}

interface EventTrigger {
  readonly name: string;
  readonly function: string;
}

/**
 * Warns of what reacts to the staging table of `target`, or to the statements of the swap:
 * publications that take in every table, and event triggers. A publication that feeds a logical
 * slot is refused: its subscriber would stop for good at rows of a table that it does not have.
 */
export async function readListeners(
  catalog: Catalog,
  target: TableName,
): Promise<readonly string[]> {
  const [publications, slots, eventTriggers] = await Promise.all([
    readStagingPublications(catalog, target),
    readSlots(catalog),
    readEventTriggers(catalog),
  ]);
  const [slot] = slots;
  if (slot !== undefined) {
    for (const publication of publications) refuse(catalog, target, publication, slot);
  }
  return [
    ...publications.map(
      (publication) =>
        `${nameOf(publication)} publishes the staging table of a full load too: a subscriber would stop at it. ${remedy(publication, target)}`,
    ),
    ...eventTriggers.map(
      (trigger) =>
        `event trigger ${quoteIdentifier(trigger.name)} (function ${trigger.function}) fires at the statements of a full load, and may refuse or change them`,
    ),
  ];
}

function refuse(
  catalog: Catalog,
  target: TableName,
  publication: StagingPublication,
  slot: string,
): void {
  catalog.refuse.unsupported(
    nameOf(publication),
    `publishes the staging table of a full load too, and there is a subscriber (replication slot ${quoteIdentifier(slot)}), which would stop for good at a relation that it does not have`,
    remedy(publication, target),
  );
}

function nameOf({ name, schema }: StagingPublication): string {
  const kind = schema === null ? 'ALL TABLES' : `TABLES IN SCHEMA ${quoteIdentifier(schema)}`;
  return `publication ${quoteIdentifier(name)} FOR ${kind}`;
}

function remedy({ name, schema }: StagingPublication, target: TableName): string {
  const publication = quoteIdentifier(name);
  const table = quoteTable(target);
  const statement =
    schema === null
      ? `DROP PUBLICATION ${publication}; CREATE PUBLICATION ${publication} FOR TABLE ${table};`
      : `ALTER PUBLICATION ${publication} SET TABLE ${table};`;
  return `Publish by table name, with all other tables that it should have: ${statement}`;
}

/** FOR TABLES IN SCHEMA is of PostgreSQL 15 and later. Partitions can be in other schemas. */
async function readStagingPublications(
  catalog: Catalog,
  target: TableName,
): Promise<readonly StagingPublication[]> {
  const { sql, majorVersion } = catalog;
  const ofSchemas = sql`
    UNION ALL SELECT p.pubname, n.nspname
    FROM pg_publication_namespace pn
    JOIN pg_publication p ON p.oid = pn.pnpubid
    JOIN pg_namespace n ON n.oid = pn.pnnspid
    WHERE n.nspname = ${target.schema} OR n.oid IN (
      SELECT relnamespace FROM pg_partition_tree(to_regclass(${quoteTable(target)}))
      JOIN pg_class ON oid = relid)`;
  return await catalog.rows<StagingPublication>`
    SELECT pubname AS name, NULL::name AS schema FROM pg_publication WHERE puballtables
    ${majorVersion >= 15 ? ofSchemas : sql``}
    ORDER BY 1, 2`;
}

/** Logical slots of this database that a publication can feed: other plugins read none. */
async function readSlots(catalog: Catalog): Promise<readonly string[]> {
  const rows = await catalog.rows<{ name: string }>`
    SELECT slot_name AS name FROM pg_replication_slots
    WHERE slot_type = 'logical' AND plugin = 'pgoutput' AND database = current_database()
    ORDER BY 1`;
  return rows.map(({ name }) => name);
}

async function readEventTriggers(catalog: Catalog): Promise<readonly EventTrigger[]> {
  return await catalog.rows<EventTrigger>`
    SELECT evtname AS name, evtfoid::regproc::text AS function FROM pg_event_trigger
    WHERE evtenabled IN ('O', 'A') AND evtevent <> 'login'
    ORDER BY 1`;
}
