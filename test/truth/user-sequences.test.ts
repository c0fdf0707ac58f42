import { test } from 'bun:test';
import { playMany } from './play-many.ts';

test('whatever a user does, a run that ends well leaves what the model says', () =>
  playMany({ keeping: 10, losing: 2 }));
