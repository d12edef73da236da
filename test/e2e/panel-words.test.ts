import { panelRun } from '@deskhand/overlay/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { AT, PANEL_SIZE, SCENES, stagePanel } from '../helpers/panel-stage.ts';

describe('what the panel says, and what it makes of what it is told', () => {
  const stage = stagePanel();

  it('shows hostile text as the text it is, and runs none of it', async () => {
    await stage.show('running');
    const evil =
      '<img src=x onerror="document.title=`pwned`"><script>document.title="pwned"</script>[a](javascript:alert(1)) \u202eKO\u202c https://evil.example ';
    stage.fake.setDaemon({ name: evil, run: panelRun({ task: evil, engine: evil, id: panelRun().id }) });
    stage.fake.step({ step: 14, action: evil, thought: evil.repeat(20) });
    await stage.says('.thought q', 'onerror');
    expect(await stage.page.title()).toBe('Agent is in control – Deskhand');
    expect(
      await stage.page.locator('main script, main a, main iframe, .thought img, .task img').count(),
    ).toBe(0);
    expect(await stage.page.evaluate("document.body.textContent.includes('\\u202e')")).toBe(false);
    expect(await stage.page.locator('.thought q').textContent()).toContain('<script>');
    expect(stage.faults).toEqual([]);
  });

  it('survives thumbnails that are none', async () => {
    await stage.show('running');
    stage.fake.thumbnail({
      jpegBase64: 'bm90IGEganBlZw==',
      width: 0,
      height: -3,
      target: { x: Number.MAX_VALUE, y: 0 },
    });
    stage.fake.thumbnail({ jpegBase64: '%%%', width: 10, height: 10, target: null });
    stage.fake.step({ step: 20, action: 'still alive' });
    await stage.says('main', 'still alive');
    expect(stage.faults).toEqual([]);
  });

  it('speaks: state politely, decisions and stops at once, the log not at all', async () => {
    await stage.show('running');
    expect(await stage.page.locator('[role=status]').textContent()).toContain('Agent is in control');
    expect(await stage.page.locator('[role=log]').getAttribute('aria-live')).toBe('off');
    expect(await stage.page.locator('.spoken[role=alert]').textContent()).toBe('');
    stage.fake.setGuard({ control: 'stopped', latch: { tripped: true, by: 'panel', at: AT } });
    await stage.says('.spoken[role=alert]', 'Stopped');
  });

  it('speaks of steps at most every five seconds', async () => {
    await stage.show('running');
    await stage.page.evaluate(`(() => {
      const line = document.querySelector('[role=status]');
      globalThis.spokenAt = [performance.now()];
      new MutationObserver(() => globalThis.spokenAt.push(performance.now()))
        .observe(line, { subtree: true, childList: true, characterData: true });
    })()`);
    for (let step = 30; step < 50; step += 1) stage.fake.step({ step, action: `action ${step}` });
    await stage.says('.action', 'action 49');
    const spoken = await stage.page.evaluate<number[]>('globalThis.spokenAt');
    const elapsedMs = await stage.page.evaluate<number>('performance.now() - globalThis.spokenAt[0]');
    expect(spoken.length - 1).toBeLessThanOrEqual(Math.ceil(elapsedMs / 5000));
  });

  describe('languages', () => {
    it.each([
      ['de-DE', 'de', 'ltr', 'Der Agent steuert'],
      ['es-MX', 'es', 'ltr', 'El agente tiene el control'],
      ['fr-FR', 'fr', 'ltr', 'L’agent a la main'],
      ['ar-EG', 'ar', 'rtl', 'الوكيل هو المتحكم'],
      ['ja-JP', 'ja', 'ltr', 'エージェントが操作中'],
      ['pt-BR', 'en', 'ltr', 'Agent is in control'],
    ])(
      '%s: the panel speaks %s, written %s, and nothing leaves its place',
      async (locale, lang, dir, words) => {
        const asked: string[] = [];
        await stage.show('running', {
          locale,
          prepare: (context) => context.on('request', (request) => asked.push(request.url())),
        });
        await stage.says('.status h1', words);
        expect(
          await stage.page.evaluate('[document.documentElement.lang, document.documentElement.dir]'),
        ).toEqual([lang, dir]);
        // They came with the page.
        expect(asked.filter((url) => url.includes('/words-'))).toEqual([]);
        const stop = await stage.box('.stop-button');
        expect([stop.height, stop.y + stop.height]).toEqual([56, PANEL_SIZE.height - 46]);
        expect(await stage.overflow()).toBe(0);
        const number = await stage.box('.log li:first-child .number');
        const took = await stage.box('.log li:first-child .took');
        expect(number.x > took.x).toBe(dir === 'rtl');
        await SCENES.awaiting_human?.(stage.fake);
        await stage.page.waitForSelector('.mode-awaiting_human');
        expect(await stage.overflow()).toBe(0);
        expect(await stage.box('.stop-button')).toEqual(stop);
      },
    );

    it('a language that needs 40 % more room and marks every word shows none that was forgotten', async () => {
      // The words of the page, each in brackets and longer. Not in an answer made up here: Chromium takes its page
      // for one from elsewhere, which may not reach this computer.
      await stage.show('idle', {
        prepare: (context) =>
          context.addInitScript(`{
            const find = document.getElementById.bind(document);
            const longer = (message) => {
              const parts = [message].flat();
              const length = parts.filter((part) => typeof part === 'string').join('').length || 12;
              return ['⟦', ...parts, 'ẍ'.repeat(Math.ceil(length * 0.4)), '⟧'];
            };
            document.getElementById = (id) => {
              const found = find(id);
              if (id !== 'words') return found;
              const words = Object.entries(JSON.parse(found.textContent));
              const textContent = JSON.stringify(Object.fromEntries(words.map(([key, text]) => [key, longer(text)])));
              return { lang: found.lang, textContent };
            };
          }`),
      });
      for (const mode of [
        'running',
        'awaiting_human',
        'paused',
        'takeover',
        'stopped',
        'disconnected',
        'controls_lost',
      ]) {
        await stage.fake.reset();
        await stage.page.waitForSelector('.mode-idle');
        await SCENES[mode]?.(stage.fake);
        await stage.page.waitForSelector(`.mode-${mode}`);
        expect(await stage.overflow()).toBe(0);
        const stop = await stage.box('.stop-button');
        expect([stop.height, stop.y + stop.height]).toEqual([56, PANEL_SIZE.height - 46]);
        const untranslated = await stage.page.evaluate<string[]>(
          `[...document.querySelectorAll('.status h1 span:not(.chip), .controls button, .label, .figures dt, .stop-button')]
            .map((element) => element.textContent.trim()).filter((text) => text && !text.startsWith('⟦'))`,
        );
        expect(untranslated).toEqual([]);
      }
    });
  });

  it('shows what is true again after half messages, nonsense and 100 kB of reasons', async () => {
    await stage.show('running');
    const nonsense = [
      '{"type":"state","seq":',
      `${JSON.stringify({ type: 'step', runId: panelRun().id, step: 13, thought: 'x'.repeat(100_000), at: AT })}\n`,
      '{"type":"thumbnail","jpegBase64":7}\n',
    ];
    for (const [index, bytes] of nonsense.entries()) {
      stage.fake.daemon.sendRaw(bytes);
      await stage.pressStop();
      stage.fake.setGuard({ control: 'armed', latch: { tripped: false } });
      stage.fake.guard.forget();
      await eventually(
        async () => {
          stage.fake.setDaemon({ run: panelRun() });
          return (await stage.page.locator('.mode-running').count()) === 1;
        },
        { what: `the running panel after nonsense ${index}` },
      );
    }
    expect(stage.faults).toEqual([]);
  });

  it('holds no memory of steps that are long past, and shows the newest of them', async () => {
    await stage.show('running', { fresh: true });
    const cdp = await stage.page.context().newCDPSession(stage.page);
    const heapBytes = async () => {
      await cdp.send('HeapProfiler.collectGarbage');
      return (await cdp.send('Runtime.getHeapUsage')).usedSize;
    };
    // What `deskhand bench panel` does for an hour's worth of steps.
    const feed = async (from: number, to: number) => {
      for (let step = from; step <= to; step += 1) {
        const at = new Date(Date.now()).toISOString();
        stage.fake.step({ step, action: `Click “Row ${step}”`, thought: `Because of row ${step}.`, at });
        stage.fake.step({ step, outcome: 'confirmed', settledMs: 40, at });
        if (step % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await stage.says('.log li', `Row ${to}”`);
    };
    await feed(100, 600);
    const before = await heapBytes();
    await feed(601, 2100);
    expect((await heapBytes()) - before).toBeLessThan(300 * 1024);
    expect(stage.faults).toEqual([]);
  });

  it('is not led astray by a clock that jumps', async () => {
    await stage.show('running', {
      prepare: async (context) => {
        await context.clock.install();
        await context.clock.resume();
      },
    });
    for (const hours of [-24, 24 * 400]) {
      await stage.page.clock.setSystemTime(new Date(Date.now() + hours * 3_600_000));
      stage.fake.setDaemon({ run: panelRun({ step: 12 + Math.abs(hours) }) });
      await eventually(async () => (await stage.page.locator('.figures').textContent())?.includes('of'));
      expect(await stage.page.locator('.mode-running').count()).toBe(1);
      expect(await stage.page.locator('.figures').textContent()).not.toMatch(/NaN|-\d|Infinity/);
    }
    await stage.pressStop();
  });

  it('takes what a newer desktop tells beyond its knowledge for no news', async () => {
    await stage.show('running');
    const { fake } = stage;
    fake.daemon.sendRaw('{"type":"hologram","id":"1","density":7}\n');
    fake.guard.sendRaw('{"type":"weather","id":"1"}\n');
    fake.daemon.send({ ...fake.daemonState, mood: 'cheerful', seq: fake.daemonState.seq + 1 } as never);
    fake.step({ step: 21, action: 'after the unknown' });
    await stage.says('main', 'after the unknown');
    expect(await stage.page.locator('.mode-running').count()).toBe(1);
  });

  it('shows what an older desktop tells, which says less', async () => {
    await stage.show('running');
    const { fake } = stage;
    const { pauseKind: _1, pairing: _2, exclusion: _3, run, ...state } = fake.daemonState;
    const { ask: _4, budgetCents: _5, ...told } = run ?? panelRun();
    fake.daemon.send({ ...state, run: { ...told, task: 'An older task' }, seq: state.seq + 1 });
    await stage.says('main', 'An older task');
    expect(await stage.page.locator('.mode-running').count()).toBe(1);
    fake.daemon.send({
      ...state,
      run: { ...told, status: 'awaiting_human' },
      control: 'paused',
      seq: state.seq + 2,
    });
    await eventually(async () => (await stage.page.locator('.mode-running').count()) === 0, {
      what: 'a pause without its kind',
    });
    expect(await stage.page.locator('main').textContent()).not.toMatch(/undefined|null|NaN/);
    await stage.pressStop();
  });

  it('asks the network for nothing but itself, and takes the code out of the address', async () => {
    const asked: string[] = [];
    await stage.show('running', {
      prepare: (context) => context.on('request', (request) => asked.push(new URL(request.url()).host)),
    });
    expect(new Set(asked.filter((host) => host !== ''))).toEqual(new Set([new URL(stage.panel.url).host]));
    expect(stage.page.url()).not.toContain('code');
  });
});
