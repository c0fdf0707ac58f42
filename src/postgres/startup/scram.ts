import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { ChannelBinding } from './channel-binding.ts';
import { LoginError } from './login-error.ts';

/**
 * The client's half of SCRAM-SHA-256 (RFC 5802 and 7677), as PostgreSQL speaks it: the user's name
 * is left out, for the startup message has it.
 */
export class ScramExchange {
  readonly #password: string;
  readonly #header: string;
  readonly #binding: Buffer;
  readonly #nonce = randomBytes(18).toString('base64');
  #serverSignature: Buffer | undefined;

  constructor(password: string, { flag, data }: ChannelBinding) {
    this.#password = password;
    this.#header = `${flag},,`;
    this.#binding = data;
  }

  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /** What the client says first. */
  first(): string {
    return this.#header + this.#firstBare;
  }

  /** The client's proof, which is the answer to the server's first message. */
  async proof(serverFirst: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: iterations = '' } = attributes(serverFirst);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw mismatch('nonce');
    const salted = await promisify(pbkdf2)(
      await prepare(this.#password),
      Buffer.from(salt, 'base64'),
      Number(iterations),
      32,
      'sha256',
    );
    const bound = Buffer.concat([Buffer.from(this.#header), this.#binding]).toString('base64');
    const withoutProof = `c=${bound},r=${nonce}`;
    const authMessage = [this.#firstBare, serverFirst, withoutProof].join(',');
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(sha256(clientKey), authMessage);
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`;
  }

  /** Throws unless the server's last message proves that it knows the password, too. */
  verify(serverLast: string): void {
    const signature = Buffer.from(attributes(serverLast)['v'] ?? '', 'base64');
    const expected = this.#serverSignature;
    if (expected === undefined || signature.length !== expected.length) throw mismatch('signature');
    if (!timingSafeEqual(signature, expected)) throw mismatch('signature');
  }
}

/**
 * The password by SASLprep (RFC 4013), so that it does not matter how it was typed. As in libpq, one
 * that has no such form is taken as it is, and so is plain ASCII.
 */
async function prepare(password: string): Promise<string> {
  if (/^[\0-\x7f]*$/.test(password)) return password;
  const { default: saslprep } = await import('@mongodb-js/saslprep');
  try {
    return saslprep(password);
  } catch {
    return password;
  }
}

/** `a=1,b=2`: values may hold `=`, but no comma. */
function attributes(message: string): Partial<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((part) => [part.charAt(0), part.slice(2)]));
}

function mismatch(part: string): LoginError {
  return new LoginError(
    `the server did not return the right ${part}: it does not know the password`,
    'See that nothing between here and the server answers in its place; sslmode=verify-full makes sure.',
  );
}

function hmac(key: Buffer, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest();
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, at) => byte ^ (other[at] ?? 0)));
}
