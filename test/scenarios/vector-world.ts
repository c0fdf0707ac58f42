import { startPgvector } from '../server/pgvector.ts';
import { openWorld, type World } from './fixture.ts';

/** A world on a server of its own, with pgvector in the schema `ext`, which the search path has not. */
export async function openVectorWorld(): Promise<World> {
  const server = await startPgvector();
  const world = await openWorld([{ name: 'unused', type: 'INT64' }], {}, async () => server);
  await world.database.sql.unsafe('CREATE SCHEMA ext; CREATE EXTENSION vector SCHEMA ext');
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}
