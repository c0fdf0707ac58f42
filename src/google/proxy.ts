/** The names of the metadata server, which answers on the machine's own network and by no proxy. */
const METADATA_SERVER = [
  'metadata.google.internal',
  'metadata.google.internal.',
  '169.254.169.254',
];

/**
 * Adds the metadata server to NO_PROXY: Google's libraries would ask a proxy for it, which has another
 * machine's or none. `GCE_METADATA_HOST`, where the library finds another one, counts as well.
 */
export function exemptMetadataServer(env: NodeJS.ProcessEnv): void {
  const exempt = env['NO_PROXY'] ?? env['no_proxy'];
  const [host] = env['GCE_METADATA_HOST']?.split(':') ?? [];
  env['NO_PROXY'] = [exempt, ...METADATA_SERVER, host].filter(Boolean).join(',');
}
