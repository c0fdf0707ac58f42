import { describe, expect, test } from 'bun:test';
import { StreamCount } from '../../src/load/stream-count.ts';

const LIMIT = { most: 4, reason: 'the limit' };

const TRY = { fillingMs: 200, measuredMs: 800 };

/**
 * Feeds the control seconds of so many rows each, a burst before, and gives the streams that it wanted
 * after each.
 */
function wantedAfter(rates: readonly number[], limit = LIMIT, burst = 0) {
  const control = new StreamCount(limit, TRY);
  let rows = 0;
  const wanted = rates.map((rate, second) => {
    control.observe(rows, second * 1000);
    rows += burst;
    control.observe(rows, second * 1000 + 200);
    rows += rate;
    control.observe(rows, (second + 1) * 1000);
    return control.wanted;
  });
  return { wanted, reason: control.reason };
}

describe('the number of streams', () => {
  test('grows while each one more brings over a tenth, up to the limit', () => {
    expect(wantedAfter([100, 150, 200, 300])).toEqual({
      wanted: [3, 4, 4, 4],
      reason: 'the limit',
    });
  });

  test('goes back by the one that brought less in two tries', () => {
    const { wanted, reason } = wantedAfter([100, 150, 164, 160, 500, 900]);
    expect(wanted).toEqual([3, 4, 4, 3, 3, 3]);
    expect(reason).toBe('one more brought less than a tenth');
  });

  test('goes on growing where only the first of two tries brought less', () => {
    expect(wantedAfter([100, 90, 150, 160, 200]).wanted).toEqual([3, 3, 4, 4, 4]);
  });

  test('is not judged by what goes into buffers first', () => {
    expect(wantedAfter([100, 150, 200], LIMIT, 1000).wanted).toEqual([3, 4, 4]);
  });

  test('stays below two where the limit is', () => {
    const { wanted, reason } = wantedAfter([100, 200], { most: 1, reason: 'no more' });
    expect(wanted).toEqual([1, 1]);
    expect(reason).toBe('no more');
  });

  test('is two for a load that ends before it can be judged', () => {
    const control = new StreamCount(LIMIT, TRY);
    control.observe(10, 0);
    control.observe(500, 900);
    expect(control.wanted).toBe(2);
    expect(control.reason).toBe('it was done before more were tried');
  });
});
