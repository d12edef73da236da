import { FrameGeometry, Operation } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { fromModelPoint, operationFromModel, spaceSize, toModelPoint } from './coordinate-space.ts';
import { longestSideFor, profileOf } from './model-profiles.ts';

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
    ['anthropic/claude-sonnet-4-5', 'anthropic_computer', 'pixels'],
    ['openai/gpt-5', 'functions', 'pixels'],
    ['openai/gpt-5.5', 'openai_computer', 'pixels'],
    ['google/gemini-x', 'functions', 'thousandths'],
    ['openai-compatible/Qwen2.5-VL-7B', 'functions', 'resized'],
    ['openai-compatible/qwen2.5vl:7b', 'functions', 'resized'],
    ['openai-compatible/qwen3-vl:8b', 'functions', 'thousandths'],
    ['openai-compatible/UI-TARS-7B', 'ui_tars', 'thousandths'],
    ['openai-compatible/ui-tars-1.5-7b', 'ui_tars', 'resized'],
    ['openai-compatible/doubao-1-5-ui-tars', 'ui_tars', 'thousandths'],
    ['openai-compatible/some-model', 'functions', 'pixels'],
  ] as const)('%s: %s, %s', (name, grammar, space) => {
    expect(profileOf(name)).toMatchObject({ grammar, space });
  });

  it.each([
    ['claude-sonnet-4-5', 'computer_20250124'],
    ['claude-haiku-4-5', 'computer_20250124'],
    ['claude-opus-4-1-20250805', 'computer_20250124'],
    ['claude-opus-4-5', 'computer_20251124'],
    ['claude-opus-4-7', 'computer_20251124'],
    ['claude-sonnet-4-6', 'computer_20251124'],
    ['claude-opus-4-8', 'computer_toolset_20260801'],
    ['claude-sonnet-5-5', 'computer_toolset_20260801'],
    ['claude-3-haiku-20240307', undefined],
  ])('%s has the computer tool %s', (model, tool) => {
    expect(profileOf(`anthropic/${model}`).tool).toBe(tool);
  });

  it.each([
    { space: 'thousandths' },
    { space: 'resized', resize: { factor: 28, minPixels: 3136, maxPixels: 12_845_056 } },
    { space: 'resized', resize: { factor: 28, minPixels: 3136, maxPixels: 400_000 } },
  ] as const)('goes there and back within a pixel: %o', (places) => {
    for (const point of [
      { x: 0, y: 0 },
      { x: 640, y: 360 },
      { x: 1279, y: 719 },
      { x: 13, y: 701 },
    ]) {
      const back = fromModelPoint(places, geometry, toModelPoint(places, geometry, point));
      expect(Math.abs(back.x - point.x)).toBeLessThanOrEqual(1);
      expect(Math.abs(back.y - point.y)).toBeLessThanOrEqual(1);
      expect(back.x).toBeLessThan(1280);
    }
  });

  it('rounds sides as the models’ own preprocessing does', () => {
    const resize = { factor: 28, minPixels: 3136, maxPixels: 12_845_056 };
    expect(spaceSize({ space: 'resized', resize }, { width: 1280, height: 720 })).toEqual({
      width: 1288,
      height: 728,
    });
    const small = { ...resize, maxPixels: 1_003_520 };
    const size = spaceSize({ space: 'resized', resize: small }, { width: 1920, height: 1080 });
    expect(size.width * size.height).toBeLessThanOrEqual(1_003_520);
    expect(size).toEqual({ width: 1316, height: 728 });
  });

  it('maps every point of an operation, and nothing of one without', () => {
    const drag = Operation.parse({ type: 'drag', from: { x: 0, y: 0 }, to: { x: 500, y: 500 } });
    const places = { space: 'thousandths' } as const;
    expect(operationFromModel(places, geometry, drag)).toMatchObject({ to: { x: 640, y: 360 } });
    const keys = Operation.parse({ type: 'key_press', keys: ['a'] });
    expect(operationFromModel(places, geometry, keys)).toBe(keys);
  });
});

describe('picture sizes', () => {
  it('stay below what a provider would shrink, whatever the screen’s proportions', () => {
    const claude = profileOf('anthropic/claude-sonnet-4-5');
    expect(longestSideFor(claude, { width: 1920, height: 1080 })).toBe(1280);
    const square = longestSideFor(claude, { width: 1280, height: 1024 });
    expect(square * ((square * 1024) / 1280)).toBeLessThanOrEqual(1_150_000);
    expect(square).toBeGreaterThan(1180);
  });
});
