import { readFileSync } from 'node:fs';
import { Operation, WindowInfo } from '@deskhand/protocol';
import { PolicyFile } from '@deskhand/protocol/policy-file';
import { expect, it } from 'vitest';
import { decide, decideOrigin } from './policy.ts';

const text = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^```json\n(.*?)^```/gms)].map(([, json = '']) => json);

it('[POL1] docs/policy.md shows policies that can be used, and says what they do', () => {
  expect(examples).toHaveLength(1);
  const policy = PolicyFile.parse(JSON.parse(examples[0] ?? ''));
  const loaded = { state: 'loaded', policy } as const;
  const around = { workFolder: '/w', savedPaths: new Set<string>() };
  const verdict = (operation: unknown, application = 'Mousepad', title = 'x') =>
    decide(
      loaded,
      {
        operation: Operation.parse(operation),
        window: WindowInfo.parse({
          id: '1',
          application,
          title,
          bounds: { x: 0, y: 0, width: 1, height: 1 },
          active: true,
        }),
      },
      around,
    ).verdict;
  const click = { type: 'click', point: { x: 0, y: 0 } };
  expect(verdict(click)).toBe('allow');
  expect(verdict(click, 'Other')).toBe('ask');
  expect(verdict(click, 'Mousepad', 'my private notes')).toBe('deny');
  expect(verdict({ type: 'close_window' })).toBe('deny');
  expect(verdict({ type: 'browser_navigate', url: 'https://shop.example/a' })).toBe('allow');
  expect(verdict({ type: 'browser_navigate', url: 'https://my.tickets.example' })).toBe('ask');
  expect(verdict({ type: 'browser_navigate', url: 'https://shop.example.evil.example' })).toBe('deny');
  const noon = new Date(2026, 0, 5, 12);
  const starter = 'wss://desk.example laptop (key_1)';
  expect(decideOrigin(loaded, { serverIsLocal: false, starter, now: noon, ranMs: null }).verdict).toBe(
    'allow',
  );
});
