import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';

/** An authority that signs throw-away certificates. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  /** A certificate for `commonName`, valid for the hosts in `names` (DNS names and IPv4 addresses). */
  issue(
    commonName: string,
    names?: readonly string[],
  ): { readonly cert: string; readonly key: string };
}

/** Makes an authority with a key of its own. Certificates are written by RFC 5280, for P-256 keys. */
export function createAuthority(commonName: string): Authority {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = distinguishedName(commonName);
  return {
    cert: certificate({
      issuer,
      subject: issuer,
      signer: privateKey,
      key: privateKey,
      names: [],
      isAuthority: true,
    }),
    issue(name, names = []) {
      const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const subject = distinguishedName(name);
      const cert = certificate({
        issuer,
        subject,
        signer: privateKey,
        key,
        names,
        isAuthority: false,
      });
      return { cert, key: String(key.export({ type: 'pkcs8', format: 'pem' })) };
    },
  };
}

interface CertificateRequest {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly signer: KeyObject;
  readonly key: KeyObject;
  readonly names: readonly string[];
  readonly isAuthority: boolean;
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SUBJECT_ALT_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';

function certificate(request: CertificateRequest): string {
  const algorithm = sequence(objectId(ECDSA_SHA256));
  const publicKey = createPublicKey(request.key).export({ type: 'spki', format: 'der' });
  const toBeSigned = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    request.issuer,
    sequence(time('200101000000Z'), time('491231235959Z')),
    request.subject,
    publicKey,
    tagged(0xa3, sequence(...extensions(request))),
  );
  const signature = sign('sha256', toBeSigned, request.signer);
  const der = sequence(
    toBeSigned,
    algorithm,
    tagged(0x03, Buffer.concat([Buffer.from([0]), signature])),
  );
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/gu, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function extensions(request: CertificateRequest): Buffer[] {
  const isTrue = tagged(0x01, Buffer.from([0xff]));
  const constraints = request.isAuthority ? sequence(isTrue) : sequence();
  const list = [sequence(objectId(BASIC_CONSTRAINTS), isTrue, tagged(0x04, constraints))];
  if (request.names.length === 0) return list;
  const names = sequence(...request.names.map(alternativeName));
  return [...list, sequence(objectId(SUBJECT_ALT_NAME), tagged(0x04, names))];
}

function alternativeName(name: string): Buffer {
  const isAddress = /^\d+(\.\d+){3}$/u.test(name);
  return isAddress
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectId(COMMON_NAME), tagged(0x0c, Buffer.from(commonName)));
  return sequence(tagged(0x31, attribute));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function time(text: string): Buffer {
  return tagged(0x17, Buffer.from(text));
}

/** A value in DER: tag, length, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest.flatMap(base128)];
  return tagged(0x06, Buffer.from(bytes));
}

function base128(value: number): number[] {
  const digits = [value & 127];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
  return digits;
}
