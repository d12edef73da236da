import { describe, expect, it } from 'vitest';
import { PROBE_CELLS, PROBE_SIDE_PX, probeCells } from './probe-patch.ts';

describe('the probe patch', () => {
  it('has one cell per bit of the nonce, the first digit top left', () => {
    const cells = probeCells('8000000000000001');
    expect(cells).toHaveLength(PROBE_CELLS ** 2);
    expect(cells.flatMap((set, index) => (set ? [index] : []))).toEqual([0, 63]);
    expect(PROBE_SIDE_PX).toBe(24);
  });

  it('differs for different nonces', () => {
    expect(probeCells('0123456789abcdef')).not.toEqual(probeCells('0123456789abcdee'));
  });
});
