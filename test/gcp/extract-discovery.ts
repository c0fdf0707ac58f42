/**
 * Makes discovery.json anew: `bun test/gcp/extract-discovery.ts VERSION FOLDER`, where FOLDER is
 * `googleapiclient/discovery_cache/documents` of that version of PyPI's google-api-python-client.
 */
import { join } from 'node:path';

/** What the stand-in answers. */
const METHODS = [
  'bigquery.jobs.insert',
  'bigquery.jobs.query',
  'bigquery.jobs.get',
  'bigquery.jobs.cancel',
  'bigquery.jobs.getQueryResults',
  'bigquery.tables.get',
  'storage.buckets.get',
  'storage.buckets.testIamPermissions',
  'storage.objects.list',
  'storage.objects.get',
  'storage.objects.delete',
];

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly readOnly?: boolean;
  readonly description?: string;
}

interface Method {
  readonly id: string;
  readonly httpMethod: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, { readonly location: string }>>;
  readonly request?: { readonly $ref: string };
}

interface Resource {
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resource>>;
}

interface Document extends Resource {
  readonly revision: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly schemas: Readonly<Record<string, Schema>>;
}

type Shape = string | null | { readonly [name: string]: Shape };

const [version = '', folder = ''] = Bun.argv.slice(2);
const methods: Record<string, unknown> = {};
const schemas: Record<string, Shape> = {};
const revisions: string[] = [];
for (const name of ['bigquery.v2', 'storage.v1']) {
  const document = (await Bun.file(join(folder, `${name}.json`)).json()) as Document;
  revisions.push(`${name} of revision ${document.revision}`);
  for (const method of methodsOf(document)) {
    if (!METHODS.includes(method.id)) continue;
    const own = Object.entries(method.parameters ?? {})
      .filter(([, { location }]) => location === 'query')
      .map(([parameter]) => parameter);
    methods[method.id] = {
      verb: method.httpMethod,
      path: method.path.replaceAll('+', ''),
      parameters: [...own, ...Object.keys(document.parameters)].toSorted(),
      ...(method.request && { request: method.request.$ref }),
    };
    if (method.request !== undefined) addSchema(document, method.request.$ref);
  }
}
const source = `google-api-python-client ${version}: ${revisions.join(', ')}`;
await Bun.write(
  join(import.meta.dir, 'discovery.json'),
  `${JSON.stringify({ source, methods, schemas }, undefined, 1)}\n`,
);

function methodsOf({ methods: own = {}, resources = {} }: Resource): Method[] {
  return [...Object.values(own), ...Object.values(resources).flatMap(methodsOf)];
}

function addSchema(document: Document, name: string): void {
  if (name in schemas) return;
  schemas[name] = null; // it may refer to itself
  schemas[name] = fieldsOf(document, document.schemas[name] ?? {});
}

/** The fields that a request may set; a field without a shape of its own is null. */
function fieldsOf(document: Document, { properties = {} }: Schema): Shape {
  const settable = Object.entries(properties).filter(
    ([, { readOnly, description = '' }]) => !readOnly && !/^\[?Output.only/i.test(description),
  );
  return Object.fromEntries(settable.map(([name, field]) => [name, shapeOf(document, field)]));
}

function shapeOf(document: Document, schema: Schema): Shape {
  const { $ref, properties, items } = schema;
  if (items !== undefined) return shapeOf(document, items);
  if ($ref !== undefined) addSchema(document, $ref);
  return $ref ?? (properties === undefined ? null : fieldsOf(document, schema));
}
