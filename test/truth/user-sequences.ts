import { type Figures, Player, type Stage } from './player.ts';
import { UserSource } from './user-source.ts';
import type { UserSequence } from './user-steps.ts';

let names = 0;

/**
 * Plays a sequence, and expects each run that ends with 0 to leave what the model says, each that fails
 * to leave what was there, and the last ones to put all right. Throws what it saw otherwise.
 */
export async function play(stage: Stage, sequence: UserSequence, figures: Figures): Promise<void> {
  names += 1;
  const name = `own${names}`;
  const { google } = stage.world;
  const own = await UserSource.open(google, sequence.kind, name);
  const other = await UserSource.open(google, 'table', `other${names}`);
  await own.addRows(sequence.rows);
  await other.addRows(3);
  google.createBucket(name);
  await using database = await stage.server.createDatabase();
  await database.sql.unsafe('CREATE SCHEMA extra');
  const player = new Player(stage, figures, database, { own, other }, name);
  if (sequence.keyed) await player.makeKeyed();
  for (const step of sequence.steps) {
    await player.take(step);
    figures.steps += 1;
  }
  await player.putRight();
  figures.sequences += 1;
}
