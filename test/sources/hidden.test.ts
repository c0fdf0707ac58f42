import { afterAll, beforeAll, expect, test } from 'bun:test';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { everything } from '../scenarios/inspect.ts';
import { errorOf, runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const TAG = 'projects/test-project/locations/us/taxonomies/1/policyTags/2';
const TAGGED = [
  { name: 'id', type: 'INTEGER' },
  { name: 'salary', type: 'INTEGER', policyTags: { names: [TAG] } },
  {
    name: 'person',
    type: 'RECORD',
    fields: [{ name: 'mail', type: 'STRING', policyTags: { names: [TAG] } }],
  },
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
] as const;
const AT = "TIMESTAMP '2024-01-01 00:00:00+00'";
const PLAIN = [TAGGED[0], TAGGED[3]];
const flagsOf = (table: string) => ({ 'bq-table': table, 'pg-table': table });
const ACCOUNT = 'projector@test-project.iam.gserviceaccount.com';

test('rows that a policy hides are not loaded, and the run warns and says how to get them', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'regions', PLAIN, { hidden: { rows: 'id < 2' } });
  await google.sql(`INSERT INTO ${DATASET}.regions VALUES (1, ${AT}), (2, ${AT})`);
  const { warnings } = await runWell(world, flagsOf('regions'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`has row access policies: only rows that they show ${ACCOUNT}`);
  expect(warnings[0]).toContain(
    `ON \`source.regions\` GRANT TO ('serviceAccount:${ACCOUNT}') FILTER USING (TRUE); then a full load`,
  );
  expect([...(await database.sql`SELECT id FROM regions`)]).toEqual([{ id: '1' }]);
});

test('policies of a table behind a view are told as well', async () => {
  const { google } = world;
  await google.createTable(DATASET, 'behind', PLAIN, { hidden: { rows: 'id < 2' } });
  await google.createTable(DATASET, 'front', PLAIN, { query: 'SELECT * FROM source.behind' });
  await google.sql(`INSERT INTO ${DATASET}.behind VALUES (1, NULL), (2, NULL)`);
  const { summary, warnings } = await runWell(world, flagsOf('front'));
  expect(summary['rows']).toBe(1);
  expect(warnings[0]).toContain(
    'table source.front, or one that it reads, has row access policies',
  );
});

test('columns with policy tags are named, at any depth, and masks are told where they were met', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'people', TAGGED, { hidden: { values: { salary: '0' } } });
  await google.sql(`INSERT INTO ${DATASET}.people VALUES (1, 5000, STRUCT('a@b.c'), ${AT})`);
  const { warnings } = await runWell(world, flagsOf('people'));
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toContain('has policy tags on salary, person.mail: where they mask values');
  expect(warnings[1]).toContain(`values of table source.people are masked for ${ACCOUNT}`);
  for (const warning of warnings) {
    expect(warning).toContain('roles/datacatalog.categoryFineGrainedReader');
  }
  expect([...(await database.sql`SELECT salary FROM people`)]).toEqual([{ salary: '0' }]);
});

test('a source without any of it is loaded without a warning', async () => {
  const { google } = world;
  await google.createTable(DATASET, 'plain', PLAIN);
  await google.sql(`INSERT INTO ${DATASET}.plain VALUES (1, ${AT})`);
  expect((await runWell(world, flagsOf('plain'))).warnings).toEqual([]);
});

test('a column that may not be read at all ends the run, with the role to grant', async () => {
  const { google } = world;
  await google.createTable(DATASET, 'secrets', TAGGED);
  google.deny('datacatalog.categories.fineGrainedGet');
  const before = await everything(world);
  const outcome = await world.run(flagsOf('secrets'));
  google.allow();
  expect(errorOf(outcome)).toMatchObject({ code: 'ACCESS_DENIED' });
  expect(errorOf(outcome)['message']).toContain('policy tag');
  expect(errorOf(outcome)['hint']).toContain('roles/datacatalog.categoryFineGrainedReader');
  expect(await everything(world)).toEqual(before);
});

test('an external table over Google Drive ends the run, with a way around it', async () => {
  const { google } = world;
  await google.createTable(DATASET, 'sheet', PLAIN, {
    type: 'EXTERNAL',
    externalDataConfiguration: {
      sourceFormat: 'GOOGLE_SHEETS',
      sourceUris: ['https://docs.google.com/spreadsheets/d/1'],
    },
  });
  google.fail({
    kind: 'error',
    service: 'bigquery',
    path: /queries/,
    status: 403,
    reason: 'accessDenied',
    message: 'Access Denied: BigQuery BigQuery: Permission denied while getting Drive credentials.',
  });
  const error = errorOf(await world.run(flagsOf('sheet')));
  google.heal();
  expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
  expect(error['hint']).toContain('copy the sheet into a table by a scheduled query');
});
