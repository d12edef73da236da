import { EventEmitter } from 'node:events';
import { silentLogger } from '@deskhand/base';
import { describe, expect, it, vi } from 'vitest';
import { CHECK_MS, type UpdaterPort, Updates } from './updates.ts';

/** electron-updater as far as it is used. */
class FakeUpdater extends EventEmitter {
  autoDownload = true;
  autoInstallOnAppQuit = true;
  feed: unknown;
  readonly calls: string[] = [];
  setFeedURL(feed: unknown): void {
    this.feed = feed;
  }
  async checkForUpdates(): Promise<null> {
    this.calls.push('check');
    return null;
  }
  async downloadUpdate(): Promise<string[]> {
    this.calls.push('download');
    return [];
  }
  quitAndInstall(): void {
    this.calls.push('install');
  }
}

async function start(feedUrl: string | null = 'https://updates.example/overlay') {
  const updater = new FakeUpdater();
  let told = 0;
  let loaded = 0;
  const updates = new Updates({
    feedUrl,
    load: async () => {
      loaded += 1;
      return updater as unknown as UpdaterPort;
    },
    onInstall: () => {
      updater.calls.push('windows may close');
    },
    onReady: () => {
      told += 1;
    },
    log: silentLogger,
  });
  const on = await updates.start();
  return { updates, updater, on, told: () => told, loaded: () => loaded };
}

describe('updates', () => {
  it.each([null, 'https://updates.invalid/overlay', 'http://updates.example/overlay'])(
    'are off, and nothing is loaded, with the address %s',
    async (address) => {
      const { on, loaded, updates } = await start(address);
      expect([on, loaded()]).toEqual([false, 0]);
      updates[Symbol.dispose]();
    },
  );

  it('are never downloaded or installed by the library itself', async () => {
    const { updater, updates } = await start();
    expect(updater).toMatchObject({ autoDownload: false, autoInstallOnAppQuit: false });
    updates[Symbol.dispose]();
  });

  it('are asked for and downloaded only while nobody is in control and nothing is stopped', async () => {
    const { updates, updater, told } = await start();
    for (const mode of ['controls_lost', 'running', 'awaiting_human', 'paused', 'stopped'] as const)
      updates.onMode(mode);
    expect(updater.calls).toEqual([]);
    updates.onMode('idle');
    expect(updater.calls).toEqual(['check']);
    updates.onMode('running');
    updater.emit('update-available');
    expect(updater.calls).toEqual(['check']);
    updates.onMode('idle');
    expect(updater.calls).toEqual(['check', 'download']);
    updater.emit('update-downloaded');
    expect(told()).toBe(1);
    updates[Symbol.dispose]();
  });

  it('are installed by the person alone, and not under a run or a stop', async () => {
    const { updates, updater } = await start();
    updates.onMode('idle');
    updater.emit('update-downloaded');
    for (const mode of ['running', 'stopped'] as const) {
      updates.onMode(mode);
      updates.install();
    }
    expect(updater.calls).not.toContain('install');
    updates.onMode('idle');
    expect(updater.calls).not.toContain('install');
    updates.install();
    expect(updater.calls.slice(-2)).toEqual(['windows may close', 'install']);
    updates[Symbol.dispose]();
  });

  it('are asked for once a day, and a server that fails is no fault of the panel', async () => {
    vi.useFakeTimers();
    try {
      const { updates, updater } = await start();
      updates.onMode('idle');
      updater.emit('error', new Error('no network'));
      vi.advanceTimersByTime(CHECK_MS);
      expect(updater.calls).toEqual(['check', 'check']);
      updates[Symbol.dispose]();
    } finally {
      vi.useRealTimers();
    }
  });
});
