import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';

/** Something that a full load could not keep, or has no right to recreate. */
interface Refusal {
  readonly code: 'UNSUPPORTED_DEPENDENT' | 'INSUFFICIENT_PRIVILEGE';
  /** The object and what is wrong with it: `view public.v belongs to "ann"`. */
  readonly message: string;
  /** What to do about it, with the statement to run where there is one. */
  readonly hint: string;
}

/** Collects refusals, so that the user is told of every object, and of every way out, at once. */
export class Refusals {
  private readonly found: Refusal[] = [];
  private readonly superuser: boolean;
  /** The current user, quoted. */
  readonly user: string;

  constructor(currentUser: string, superuser: boolean) {
    this.user = quoteIdentifier(currentUser);
    this.superuser = superuser;
  }

  /** `object` is of a kind, or in a state, that a full load could not keep. */
  unsupported(object: string, reason: string, hint: string): void {
    this.add('UNSUPPORTED_DEPENDENT', `${object} ${reason}`, hint);
  }

  /** The user lacks a right that `grant`, a statement, would give. */
  missingRight(message: string, grant: string): void {
    this.add('INSUFFICIENT_PRIVILEGE', message, grant);
  }

  /** The user is no member of the role that owns `object`, and so cannot change it. */
  missingMembership(object: string, owner: string): void {
    const role = quoteIdentifier(owner);
    const message = `${object} belongs to ${role}, of which ${this.user} is not a member`;
    this.missingRight(message, `GRANT ${role} TO ${this.user};`);
  }

  /** The user may not create in `schema`, where `object` has to be recreated. */
  missingCreate(object: string, schema: string): void {
    const place = quoteIdentifier(schema);
    const message = `${object} has to be recreated in schema ${place}, and ${this.user} may not create in schema ${place}`;
    this.missingRight(message, `GRANT CREATE ON SCHEMA ${place} TO ${this.user};`);
  }

  /** The owner of `object` may not create in `schema`: without that only a superuser can give it back. */
  ownerMissingCreate(object: string, owner: string, schema: string): void {
    if (this.superuser) return;
    const [role, place] = [quoteIdentifier(owner), quoteIdentifier(schema)];
    const message = `${role}, owner of ${object}, may not create in schema ${place}`;
    this.missingRight(message, `GRANT CREATE ON SCHEMA ${place} TO ${role};`);
  }

  /** Something that only a superuser can declare. */
  superuserOnly(message: string, hint: string): void {
    if (!this.superuser) this.missingRight(message, hint);
  }

  /** Throws all refusals of a full load of `target` as one error, if there are any. */
  throwIfAny(target: TableName): void {
    const [first] = this.found;
    if (first === undefined) return;
    const messages = new Set(this.found.map(({ message }) => message));
    const hints = new Set(this.found.map(({ hint }) => hint));
    throw new ProjectorError({
      code: first.code,
      message: `${quoteTable(target)} cannot be loaded in full without loss: ${[...messages].join('; ')}`,
      hint: [...hints].join(' '),
    });
  }

  private add(code: Refusal['code'], message: string, hint: string): void {
    this.found.push({ code, message, hint });
  }
}
