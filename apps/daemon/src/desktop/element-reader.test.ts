import { silentLogger } from '@deskhand/base';
import type { ScreenElement, WindowInfo } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import type {
  Browser,
  ElementSourcePort,
  ElementWish,
  PageRead,
  ScreenCapture,
  WindowSystem,
} from '../ports.ts';
import { SecretScreen } from '../secrets/secret-screen.ts';
import { ElementReader, type Timed } from './element-reader.ts';
import { PrivatePlaces } from './private-places.ts';

const WINDOW: WindowInfo = {
  id: '0x1',
  title: 'Shop - Chromium',
  application: 'Chromium',
  pid: 7,
  bounds: { x: 0, y: 0, width: 800, height: 600 },
  active: true,
  minimized: false,
};

const element = (source: 'dom' | 'accessibility', name: string): ScreenElement => ({
  id: `${source}-${name}`,
  source,
  role: 'button',
  name,
  states: [],
  bounds: { x: 10, y: 10, width: 20, height: 20 },
});

type Answers = Readonly<{
  page: (signal: AbortSignal) => Promise<PageRead>;
  tree: (wish: ElementWish) => Promise<readonly ScreenElement[]>;
}>;

/** A reader over a window of our own browser. */
function readerOf({ page, tree }: Answers): ElementReader {
  const browser = {
    isOurs: () => true,
    read: (_window: WindowInfo, { signal }: { signal: AbortSignal }) => page(signal),
  } as unknown as Browser;
  const elements: ElementSourcePort = {
    name: 'told',
    elements: (_window, wish) => tree(wish),
    [Symbol.asyncDispose]: async () => {},
  };
  return new ElementReader({
    senses: { browser, elements, words: null, capture: {} as ScreenCapture },
    hidden: new PrivatePlaces(() => ({ windows: [], regions: [] }), {} as WindowSystem),
    secretScreen: new SecretScreen(),
    log: silentLogger,
  });
}

const timed: Timed = (_name, work) => work;
const reading = (signal = new AbortController().signal) => ({ paintedAtMs: null, timed, signal });

describe('elements of a page of ours', () => {
  it('are what is around it and what it tells itself', async () => {
    const asked: Array<boolean | undefined> = [];
    const reader = readerOf({
      page: async () => ({ elements: [element('dom', 'Buy')], whole: true }),
      tree: async ({ pages }) => {
        asked.push(pages);
        return [element('accessibility', 'Reload')];
      },
    });
    const found = await reader.read(WINDOW, { ...reading(), whole: true });
    expect(found.elements.map(({ name }) => name)).toEqual(['Reload', 'Buy']);
    expect(found).toMatchObject({ sources: ['accessibility', 'dom'], partial: false });
    expect(asked).toEqual([false]);
  });

  it('are told for the rest by accessibility where it does not tell all, and only if all is wanted', async () => {
    const asked: Array<boolean | undefined> = [];
    const reader = readerOf({
      page: async () => ({ elements: [element('dom', 'Buy')], whole: false }),
      tree: async ({ pages }) => {
        asked.push(pages);
        return [element('accessibility', pages === false ? 'Reload' : 'Choice')];
      },
    });
    const soon = await reader.read(WINDOW, { ...reading(), whole: false });
    expect(soon.elements.map(({ name }) => name)).toEqual(['Reload', 'Buy']);
    expect(soon.partial).toBe(true);
    const all = await reader.read(WINDOW, { ...reading(), whole: true });
    expect(all.elements.map(({ name }) => name)).toEqual(['Buy', 'Choice']);
    expect(all.partial).toBe(false);
    expect(asked).toEqual([false, false, undefined]);
  });

  it('leave no failure unheard when the look is stopped while both are asked', async () => {
    const stop = new AbortController();
    const stopped = (signal: AbortSignal) =>
      new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
    const reader = readerOf({ page: stopped, tree: ({ signal }) => stopped(signal) });
    const looking = reader.read(WINDOW, { ...reading(stop.signal), whole: true });
    stop.abort(new Error('it stirred'));
    await expect(looking).rejects.toThrow('it stirred');
    // What nobody hears ends the process, one turn later.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('are those of the other source where one fails', async () => {
    const reader = readerOf({
      page: () => Promise.reject(new Error('the page is gone')),
      tree: async () => [element('accessibility', 'Reload')],
    });
    const found = await reader.read(WINDOW, { ...reading(), whole: false });
    expect(found).toMatchObject({ sources: ['accessibility'], partial: true });
  });
});
