import { test } from 'bun:test';
import { openWorld } from '../scenarios/fixture.ts';
import { assertRoundTrips } from './round-trip.ts';

test('400 random tables arrive as they were, by a full load and an increment', async () => {
  for (let part = 0; part < 10; part += 1) {
    await using world = await openWorld();
    await Promise.all([0, 1].map((lane) => assertRoundTrips(world, 20, lane)));
  }
}, 900_000);
