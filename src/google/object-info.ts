/** One object of the bucket, at one generation. */
export interface ObjectInfo {
  readonly bucket: string;
  readonly name: string;
  readonly generation: string;
  /** Bytes. */
  readonly size: number;
  /** CRC32C, big-endian, in base64: as the API gives it. */
  readonly crc32c: string;
}

/** The name of an object as users type it. */
export function gsUri(object: Pick<ObjectInfo, 'bucket' | 'name'>): string {
  return `gs://${object.bucket}/${object.name}`;
}
