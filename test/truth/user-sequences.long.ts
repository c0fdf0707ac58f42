import { test } from 'bun:test';
import { playMany } from './play-many.ts';

const sequences = Number(process.env['SEQUENCES'] ?? 300);

test('whatever users do for long, a run that ends well leaves what the model says', () =>
  playMany({ keeping: Math.ceil(sequences * 0.9), losing: Math.floor(sequences * 0.1) }));
