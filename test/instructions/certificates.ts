import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Certificate {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for `names` (`DNS:...`, `IP:...`) of an authority that exists for this test only. */
export function makeCertificate(folder: string, names: readonly string[]): Certificate {
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  openssl(`req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=throw-away-authority
    -keyout ${file('authority.key')} -out ${file('authority.pem')}`);
  openssl(`req -newkey rsa:2048 -nodes -subj /CN=throw-away
    -keyout ${file('server.key')} -out ${file('server.csr')}`);
  writeFileSync(file('names'), `subjectAltName=${names.join(',')}\n`);
  openssl(`x509 -req -days 2 -in ${file('server.csr')} -CA ${file('authority.pem')}
    -CAkey ${file('authority.key')} -CAcreateserial -extfile ${file('names')}
    -out ${file('server.pem')}`);
  return {
    authority: file('authority.pem'),
    certificate: file('server.pem'),
    key: file('server.key'),
  };
}

function openssl(words: string): void {
  const run = Bun.spawnSync(['openssl', ...words.split(/\s+/)], { stderr: 'pipe' });
  if (!run.success) throw new Error(run.stderr.toString());
}
