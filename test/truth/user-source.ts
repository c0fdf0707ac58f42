import type { Field, Google } from '../gcp/google.ts';
import { newestOf, type Row, timeOf } from './model.ts';

/** How the source is read: as it is, by a view, or under a row access policy. */
export type SourceKind = 'table' | 'view' | 'policy';

const FIELDS: readonly Field[] = [
  { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
  { name: 'name', type: 'STRING' },
  { name: 'code', type: 'STRING', maxLength: '4' },
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
];

/** 2024-01-01, in microseconds. */
const BEGINNING = 1_704_067_200_000_000;
const SECOND = 1_000_000;

/** A source in BigQuery, and the rows that it has. No two rows have one time. */
export class UserSource {
  /** The name to read it by. */
  readonly name: string;
  readonly #google: Google;
  readonly #kind: SourceKind;
  readonly #table: string;
  #fields = FIELDS;
  #rows: readonly Row[] = [];
  #lastId = 0;
  #lastMicro = 0;

  private constructor(google: Google, kind: SourceKind, table: string) {
    this.#google = google;
    this.#kind = kind;
    this.#table = table;
    this.name = kind === 'view' ? `${table}_view` : table;
  }

  static async open(google: Google, kind: SourceKind, table: string): Promise<UserSource> {
    const source = new UserSource(google, kind, table);
    await source.#create();
    return source;
  }

  /** The rows as the account sees them. */
  get shown(): readonly Row[] {
    return this.#kind === 'table' ? this.#rows : this.#rows.filter(({ id }) => Number(id) % 5 > 0);
  }

  /** Whether columns can be added: a view keeps those that it was made with. */
  get isTable(): boolean {
    return this.#kind === 'table';
  }

  /** Adds rows that are newer than all others, the first `again` of them with the keys of older rows. */
  async addRows(count: number, again = 0): Promise<void> {
    const newest = newestOf(this.#rows) ?? BEGINNING;
    const rows = Array.from({ length: count }, (_, at) => {
      const former = at < again ? this.#rows[at] : undefined;
      return this.#row(newest + (at + 1) * SECOND, former?.id);
    });
    await this.#insert(rows);
  }

  /** Adds rows that are older than the newest. */
  async addLateRows(count: number): Promise<void> {
    await this.#insert(
      Array.from({ length: count }, (_, at) => this.#row(BEGINNING - (at + 1) * SECOND)),
    );
  }

  async addRowWithoutTime(): Promise<void> {
    await this.#insert([this.#row(undefined)]);
  }

  /** Writes over the name of a row, and leaves its time as it is. */
  async correct(which: number): Promise<void> {
    const at = which % Math.max(1, this.#rows.length);
    await this.#put(
      this.#rows.map((row, index) =>
        index === at ? { ...row, [this.#label]: `corrected ${which}` } : row,
      ),
    );
  }

  async remove(which: number): Promise<void> {
    const at = which % Math.max(1, this.#rows.length);
    await this.#put(this.#rows.filter((_, index) => index !== at));
  }

  /** Gives every row a later time, as a job does that writes the whole table again. */
  async rewrite(): Promise<void> {
    const newest = newestOf(this.#rows) ?? BEGINNING;
    await this.#put(
      this.#rows.map((row, at) => ({
        ...row,
        max_ingested_at: String(newest + (at + 1) * SECOND),
      })),
    );
  }

  /** Drops the table and makes it again, with all its rows but the first few. */
  async rebuild(without: number): Promise<void> {
    await this.#remake(this.#rows.slice(without));
  }

  async addColumn(): Promise<string> {
    const name = `extra${this.#fields.length}`;
    const value = String(this.#fields.length);
    const field = { name, type: 'INTEGER' };
    await this.#google.addColumn('source', this.#table, field, value);
    this.#fields = [...this.#fields, field];
    this.#rows = this.#rows.map((row) => ({ ...row, [name]: value }));
    return name;
  }

  /** Makes the table again with another name for a column. */
  async renameColumn(): Promise<void> {
    const from = this.#label;
    const to = from === 'name' ? 'title' : 'name';
    this.#fields = this.#fields.map((field) =>
      field.name === from ? { ...field, name: to } : field,
    );
    await this.#remake(
      this.#rows.map(({ [from]: value = null, ...row }) => ({ ...row, [to]: value }) as Row),
    );
  }

  /** Makes the table again with room for longer codes, and a row that needs it. */
  async widen(): Promise<void> {
    const length = this.#codeLength + 4;
    this.#fields = this.#fields.map((field) =>
      field.name === 'code' ? { ...field, maxLength: String(length) } : field,
    );
    const newest = newestOf(this.#rows) ?? BEGINNING;
    await this.#remake([...this.#rows, this.#row(newest + SECOND)]);
  }

  get #label(): string {
    return this.#fields[1]?.name ?? '';
  }

  get #codeLength(): number {
    return Number(this.#fields.find(({ name }) => name === 'code')?.maxLength);
  }

  #row(time: number | undefined, id?: string): Row {
    this.#lastId += id === undefined ? 1 : 0;
    this.#lastMicro += 1;
    const own = id ?? String(this.#lastId);
    const empty = Object.fromEntries(this.#fields.map(({ name }) => [name, null]));
    return {
      ...empty,
      id: own,
      [this.#label]: `row ${own}, ${this.#lastMicro}`,
      code: 'x'.repeat(this.#codeLength),
      max_ingested_at: time === undefined ? null : String(time + this.#lastMicro),
    };
  }

  async #insert(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#google.duckdb(this.#insertion(rows));
    this.#rows = [...this.#rows, ...rows];
  }

  #insertion(rows: readonly Row[]): string {
    const names = this.#fields.map(({ name }) => name);
    const text = (row: Row, name: string) => {
      const value = row[name];
      if (value == null) return 'NULL';
      return name === 'max_ingested_at' ? `make_timestamptz(${value})` : `'${value}'`;
    };
    const values = rows.map((row) => `(${names.map((name) => text(row, name)).join(', ')})`);
    return `INSERT INTO ${this.#place} (${names.join(', ')}) VALUES ${values.join(', ')}`;
  }

  get #place(): string {
    return this.#google.tableName('source', this.#table);
  }

  /** Puts these rows in the place of all, at once. */
  async #put(rows: readonly Row[]): Promise<void> {
    const filled = rows.length === 0 ? '' : `${this.#insertion(rows)};`;
    await this.#google.duckdb(`BEGIN; DELETE FROM ${this.#place}; ${filled} COMMIT`);
    this.#rows = rows;
  }

  async #remake(rows: readonly Row[]): Promise<void> {
    if (this.#kind === 'view') await this.#google.dropTable('source', this.name);
    await this.#google.dropTable('source', this.#table);
    await this.#create();
    this.#rows = [];
    await this.#insert(rows);
  }

  async #create(): Promise<void> {
    const hidden = this.#kind === 'policy' ? { hidden: { rows: 'id % 5 > 0' } } : {};
    await this.#google.createTable('source', this.#table, this.#fields, hidden);
    if (this.#kind !== 'view') return;
    const columns = this.#fields.map(({ name }) => name).join(', ');
    const query = `SELECT ${columns} FROM source.${this.#table} WHERE MOD(id, 5) > 0`;
    await this.#google.createTable('source', this.name, this.#fields, { query });
  }
}

/** Times that somebody may set a watermark to: one of those of the rows, or later than all. */
export function someTime(rows: readonly Row[], which: number): number {
  const times = rows.flatMap((row) => timeOf(row) ?? []).sort((one, other) => one - other);
  return times[which % (times.length + 1)] ?? (times.at(-1) ?? BEGINNING) + 100 * SECOND;
}
