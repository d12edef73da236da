import { FrameGeometry, Operation } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { coordinateSpaceOf, fromModelPoint, operationFromModel, toModelPoint } from './coordinate-space.ts';

const geometry = FrameGeometry.parse({
  frameId: 'f',
  displayId: 'd',
  layoutId: 'l',
  region: { x: 0, y: 0, width: 1920, height: 1080 },
  image: { width: 1280, height: 720 },
  scale: 1,
});

describe('places as models give them', () => {
  it.each([
    ['anthropic/claude-x', 'pixels'],
    ['openai/gpt-x', 'pixels'],
    ['google/gemini-x', 'thousandths'],
    ['openai-compatible/Qwen2.5-VL-7B', 'pixels'],
    ['openai-compatible/qwen3-vl:8b', 'thousandths'],
    ['openai-compatible/UI-TARS-7B', 'thousandths'],
    ['openai-compatible/ui-tars-1.5-7b', 'pixels'],
  ] as const)('%s: %s', (name, space) => {
    expect(coordinateSpaceOf(name)).toBe(space);
  });

  it('goes there and back within a pixel', () => {
    for (const point of [
      { x: 0, y: 0 },
      { x: 640, y: 360 },
      { x: 1279, y: 719 },
      { x: 13, y: 701 },
    ]) {
      const back = fromModelPoint('thousandths', geometry, toModelPoint('thousandths', geometry, point));
      expect(Math.abs(back.x - point.x)).toBeLessThanOrEqual(1);
      expect(Math.abs(back.y - point.y)).toBeLessThanOrEqual(1);
      expect(back.x).toBeLessThan(1280);
    }
  });

  it('maps every point of an operation, and nothing of one without', () => {
    const drag = Operation.parse({ type: 'drag', from: { x: 0, y: 0 }, to: { x: 500, y: 500 } });
    expect(operationFromModel('thousandths', geometry, drag)).toMatchObject({ to: { x: 640, y: 360 } });
    const keys = Operation.parse({ type: 'key_press', keys: ['a'] });
    expect(operationFromModel('thousandths', geometry, keys)).toBe(keys);
  });
});
