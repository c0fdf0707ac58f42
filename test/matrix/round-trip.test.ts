import { test } from 'bun:test';
import { openWorld } from '../scenarios/fixture.ts';
import { assertRoundTrips } from './round-trip.ts';

test('12 random tables arrive as they were, by a full load and an increment', async () => {
  await using world = await openWorld();
  await Promise.all([0, 1].map((lane) => assertRoundTrips(world, 6, lane)));
});
