import type { Rect } from '@deskhand/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChangeHistory } from './change-history.ts';
import { waitForQuiet } from './wait-for-quiet.ts';

const BIG: Rect = { x: 0, y: 0, width: 600, height: 400 };
const CARET: Rect = { x: 310, y: 205, width: 1, height: 17 };
const SPINNER: Rect = { x: 900, y: 30, width: 32, height: 32 };

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Plays changes at their times (ms after the mark; negative ones before it) and settles. */
async function settle(
  changes: ReadonlyArray<readonly [number, Rect]>,
  options: Partial<Parameters<typeof waitForQuiet>[1]> = {},
) {
  const history = new ChangeHistory();
  const start = 10_000;
  const pending = changes.map(([at, rect]) => ({ at: start + at, rect })).sort((a, b) => a.at - b.at);
  const look = () => {
    while (pending[0] !== undefined && pending[0].at <= Date.now()) {
      const { rect, at } = pending.shift() as { at: number; rect: Rect };
      history.add(rect, at);
    }
  };
  vi.setSystemTime(start);
  look();
  history.mark(start);
  const { signal } = new AbortController();
  const settled = waitForQuiet(
    history,
    { floorMs: 150, quietMs: 120, ceilingMs: 3000, ...options },
    { look, now: () => Date.now(), stepMs: 8 },
    { signal },
  );
  await vi.runAllTimersAsync();
  return settled;
}

const repeat = (rect: Rect, from: number, to: number, every: number) => {
  const changes: Array<readonly [number, Rect]> = [];
  for (let at = from; at <= to; at += every) changes.push([at, rect]);
  return changes;
};

describe('settling', () => {
  it('nothing happens: the floor, and it says so', async () => {
    expect(await settle([])).toEqual({
      settledMs: 150,
      reason: 'no_change',
      changedArea: 0,
      answerMs: null,
      longestGapMs: 0,
      restedMs: null,
      places: [],
      moving: [],
    });
  });

  it('one change: quiet time after it', async () => {
    const report = await settle([[90, BIG]]);
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeGreaterThanOrEqual(210);
    expect(report.settledMs).toBeLessThan(230);
    expect(report.changedArea).toBe(240_000);
  });

  it('changes that go on: quiet time after the last', async () => {
    const report = await settle(repeat(BIG, 20, 900, 60));
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeGreaterThanOrEqual(900);
    expect(report.settledMs).toBeLessThan(1060);
  });

  it('changes that never end: the ceiling', async () => {
    const lines = repeat(BIG, 20, 5000, 60).map(([at, rect]) => [at, { ...rect, y: at }] as const);
    const report = await settle(lines);
    expect(report.reason).toBe('ceiling');
    expect(report.settledMs).toBe(3000);
  });

  it('a caret that blinked before is nothing', async () => {
    const report = await settle(repeat(CARET, -3000, 4000, 530));
    expect(report).toMatchObject({ reason: 'no_change', settledMs: 150 });
  });

  it('a spinner that turned before is nothing, and the change beside it counts', async () => {
    const report = await settle([...repeat(SPINNER, -1000, 4000, 16), [40, BIG]]);
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeLessThan(180);
    expect(report.changedArea).toBe(240_000);
  });

  it('a spinner that only begins costs a little, not the ceiling', async () => {
    const report = await settle([[40, BIG], ...repeat(SPINNER, 50, 4000, 16)]);
    expect(report.settledMs).toBeLessThan(400);
  });

  it('a menu that fades in at one small place is waited for', async () => {
    const report = await settle(repeat({ x: 5, y: 5, width: 90, height: 90 }, 20, 180, 16));
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeGreaterThanOrEqual(290);
  });

  it('a page that still loads vetoes quiet; afterwards it is quiet time again', async () => {
    const loadedAt = 10_000 + 900;
    const report = await settle(
      [
        [30, BIG],
        [895, BIG],
      ],
      {
        stillLoading: async () => Date.now() < loadedAt,
      },
    );
    expect(report.reason).toBe('load_finished');
    expect(report.settledMs).toBeGreaterThanOrEqual(1000);
    expect(report.settledMs).toBeLessThan(1100);
  });

  it('what the end of a load paints is waited for, whenever in between the load ended', async () => {
    for (let endMs = 600; endMs < 760; endMs += 10) {
      const report = await settle(
        [
          [30, BIG],
          [endMs + 40, BIG],
        ],
        { floorMs: 40, quietMs: 100, stillLoading: async () => Date.now() < 10_000 + endMs },
      );
      expect(report.reason).toBe('load_finished');
      expect(report.settledMs).toBeGreaterThanOrEqual(endMs + 40 + 100);
    }
  });

  it('a page that loads for ever: the ceiling', async () => {
    const report = await settle([[30, BIG]], { stillLoading: async () => true });
    expect(report).toMatchObject({ reason: 'ceiling', settledMs: 3000 });
  });

  it('a button that only looks pressed has not answered: the answer is waited for', async () => {
    const button: Rect = { x: 300, y: 200, width: 80, height: 30 };
    const options = { floorMs: 40, answerMs: 250, target: { x: 330, y: 210 } };
    const late = await settle([...repeat(button, 5, 20, 15), [140, BIG]], options);
    expect(late).toMatchObject({ reason: 'quiet', answerMs: 140, changedArea: 240_000 + 2 * 2400 });
    expect(late.settledMs).toBeGreaterThanOrEqual(260);
    expect(late.settledMs).toBeLessThan(290);
    const never = await settle([[10, button]], options);
    expect(never).toMatchObject({ reason: 'quiet', answerMs: null });
    expect(never.settledMs).toBeGreaterThanOrEqual(250);
  });

  it('a button that looks pressed in the same frame in which a spinner turns has not answered either', async () => {
    const both: Rect = { x: 300, y: 30, width: 632, height: 200 };
    const options = { floorMs: 40, answerMs: 250, target: { x: 330, y: 210 } };
    const report = await settle(
      [...repeat(SPINNER, -1000, 4000, 16), [8, both], [190, { ...BIG, y: 300 }]],
      options,
    );
    expect(report).toMatchObject({ answerMs: 190 });
    expect(
      await settle(
        [
          [8, both],
          [190, BIG],
        ],
        options,
      ),
    ).toMatchObject({ answerMs: 8 });
  });

  it('a film that ran before is nothing, and the change beside it counts', async () => {
    const film: Rect = { x: 40, y: 40, width: 320, height: 180 };
    const report = await settle([...repeat(film, -2000, 4000, 40), [60, BIG]]);
    expect(report).toMatchObject({ reason: 'quiet', changedArea: 240_000 });
    expect(report.settledMs).toBeLessThan(220);
  });

  it('a film that begins with the click ends the wait before the ceiling', async () => {
    const report = await settle(repeat({ x: 40, y: 40, width: 320, height: 180 }, 20, 4000, 40));
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeLessThan(1700);
  });

  it('a page that is scrolled again and again is no film', async () => {
    const history = new ChangeHistory();
    let at = 0;
    for (let action = 0; action < 10; action += 1) {
      history.mark(at);
      for (let step = 0; step < 18; step += 1) {
        at += 16;
        history.add(BIG, at);
      }
      expect(history.summary()).toMatchObject({ lastAt: at });
      at += 200;
    }
  });

  it('what changes step by step is waited for through a step that is late', async () => {
    const steps = [20, 90, 170, 240, 310].map((at) => [at, BIG] as const);
    const late = await settle([...steps, [465, BIG]], { quietMs: 100 });
    expect(late.settledMs).toBeGreaterThanOrEqual(465 + 155);
    // Two bursts are no rhythm.
    const [first, second] = steps;
    const two = await settle(
      [first, second].filter((change) => change !== undefined),
      { quietMs: 100 },
    );
    expect(two.settledMs).toBeLessThan(90 + 120);
  });

  it('tells the gaps between changes from the answer on, and what changed after the decision', async () => {
    const report = await settle([
      [20, BIG],
      [90, BIG],
      [140, BIG],
    ]);
    expect(report).toMatchObject({ answerMs: 20, longestGapMs: 70 });
    const history = new ChangeHistory();
    history.mark(0);
    history.add(BIG, 10);
    expect(history.changedAfterMs(20)).toBeNull();
    history.decide(130);
    expect(history.changedAfterMs(140)).toBeNull();
    history.add(BIG, 700);
    history.decide(900);
    expect(history.changedAfterMs(950)).toBe(570);
  });

  describe('what comes after the decision', () => {
    const after = (times: readonly number[], { rect = CARET, at = (times.at(-1) ?? 0) + 50 } = {}) => {
      const history = new ChangeHistory();
      for (const time of times.filter((one) => one < 0)) history.add(rect, time);
      history.mark(0);
      history.decide(150);
      for (const time of times.filter((one) => one > 0)) history.add(rect, time);
      return history.changedAfterMs(at);
    };

    it('teaches nothing when it is a clock that ticked before, or ticks still', () => {
      expect(after([-850, 160, 1155])).toBeNull();
      expect(after([300, 800, 1300])).toBeNull();
      expect(after([400, 1395])).toBeNull();
    });

    it('counts when it is large, keeps no time, or came to an end', () => {
      expect(after([-850, 160, 1155], { rect: BIG })).toBe(10);
      // The same place answered the action before, too, but keeps no time.
      expect(after([-2100, 300, 900])).toBe(150);
      // Steps of an answer come evenly as well; but they are over.
      expect(after([300, 800, 1300], { at: 2200 })).toBe(150);
      expect(after([400, 1395], { at: 3000 })).toBe(250);
      expect(after([400, 900])).toBe(250);
      expect(after([-40, 160, 360])).toBe(10);
    });

    it('is known for a clock once it went on through the next action', () => {
      const history = new ChangeHistory();
      history.mark(0);
      history.decide(150);
      history.add(CARET, 400);
      expect(history.changedAfterMs(500)).toBe(250);
      expect(history.tookClockForAnswer(500)).toBe(false);
      history.mark(500);
      history.add(CARET, 1400);
      expect(history.tookClockForAnswer(1500)).toBe(true);
      history.decide(1450);
      expect(history.changedAfterMs(1500)).toBeNull();
      expect(history.tookClockForAnswer(1500)).toBe(false);
    });
  });

  it('a clock that ticked before is waited for no longer than twice', async () => {
    const report = await settle([...repeat(CARET, -900, 4000, 1000), [20, BIG]], { quietMs: 950 });
    expect(report.reason).toBe('quiet');
    expect(report.settledMs).toBeLessThan(1200);
  });

  it('what moves on its own before an action proves nothing afterwards, however unevenly it moves', () => {
    const film: Rect = { x: 40, y: 40, width: 320, height: 180 };
    const history = new ChangeHistory();
    history.mark(0);
    history.decide(100);
    for (const at of [150, 900, 1100, 1700]) history.add(film, at);
    history.mark(1800);
    history.add({ ...film, x: 44 }, 1850);
    expect(history.summary()).toMatchObject({ places: [] });
    history.add(BIG, 1900);
    expect(history.summary()).toMatchObject({ places: [BIG] });
  });

  it('what an action set in motion, and had come to rest, counts again for the next one', () => {
    const history = new ChangeHistory();
    history.mark(0);
    for (let at = 10; at < 300; at += 16) history.add(BIG, at);
    history.decide(420);
    history.mark(500);
    history.add(BIG, 520);
    expect(history.summary()).toMatchObject({ places: [BIG] });
  });

  it('ends with the reason of its signal', async () => {
    const history = new ChangeHistory();
    const stop = new AbortController();
    const waiting = waitForQuiet(
      history,
      { floorMs: 1000, quietMs: 100, ceilingMs: 3000 },
      { look: () => {}, now: () => Date.now(), stepMs: 8 },
      stop,
    );
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  describe('a look that begins early', () => {
    /** Times, ms after the start, of what the listener was told. */
    async function listen(
      changes: ReadonlyArray<readonly [number, Rect]>,
      options: Partial<Parameters<typeof waitForQuiet>[1]> = {},
    ) {
      const heard: Array<[what: 'calm' | 'stirred', at: number]> = [];
      const hear = (what: 'calm' | 'stirred') => () => heard.push([what, Date.now() - 10_000]);
      const report = await settle(changes, {
        early: { calm: hear('calm'), stirred: hear('stirred') },
        ...options,
      });
      return { heard, report };
    }

    it('hears once of a calm that stays, after the last change and before the end', async () => {
      const { heard, report } = await listen([[20, BIG]]);
      expect(heard.map(([what]) => what)).toEqual(['calm']);
      const at = heard[0]?.[1] ?? 0;
      expect(at).toBeGreaterThan(20);
      expect(at).toBeLessThan(report.settledMs);
    });

    it.each([
      ['a change', { at: 120 }],
      ['a change in the moment before the end', { at: 145 }],
    ])('hears of %s, and of the calm after it', async (_, { at }) => {
      const { heard, report } = await listen([
        [20, BIG],
        [at, BIG],
      ]);
      expect(heard.map(([what]) => what)).toEqual(['calm', 'stirred', 'calm']);
      expect(heard[2]?.[1]).toBeGreaterThan(at);
      expect(heard[2]?.[1]).toBeLessThan(report.settledMs);
    });

    it('is told of a change that only the last look finds', async () => {
      const { heard } = await listen(repeat(BIG, 20, 3000, 100), { ceilingMs: 1000 });
      expect(heard.filter(([what]) => what === 'calm').length).toBeLessThanOrEqual(
        heard.filter(([what]) => what === 'stirred').length + 1,
      );
    });

    it('is worth nothing when the page turned out to load', async () => {
      let asked = 0;
      const stillLoading = () => {
        asked += 1;
        return Promise.resolve(asked > 1 && Date.now() < 10_900);
      };
      const { heard, report } = await listen([[20, BIG]], { stillLoading });
      expect(report.reason).toBe('load_finished');
      expect(heard.map(([what]) => what)).toEqual(['calm', 'stirred', 'calm']);
      expect(heard[2]?.[1]).toBeGreaterThanOrEqual(900);
    });

    it('does not begin while a page loads', async () => {
      const stillLoading = () => Promise.resolve(Date.now() < 10_900);
      const { heard } = await listen([[20, BIG]], { stillLoading });
      expect(heard.map(([what]) => what)).toEqual(['calm']);
      expect(heard[0]?.[1]).toBeGreaterThanOrEqual(900);
    });
  });

  it('ends as soon as the application says that what the next operation needs is there', async () => {
    const report = await settle([], { arrived: () => Promise.resolve(Date.now() >= 10_040) });
    expect(report.settledMs).toBeGreaterThanOrEqual(40);
    expect(report.settledMs).toBeLessThan(80);
  });

  it('but not while what was entered still changes the screen', async () => {
    const report = await settle([...repeat(BIG, 20, 100, 16), [110, BIG]], {
      arrived: () => Promise.resolve(Date.now() >= 10_030),
    });
    expect(report.settledMs).toBeGreaterThanOrEqual(135);
    expect(report.settledMs).toBeLessThan(160);
  });

  describe('a click on a thing that holds a state of its own', () => {
    const target = { x: 100, y: 100 };
    const TICK: Rect = { x: 90, y: 90, width: 20, height: 20 };
    const waits = { floorMs: 40, answerMs: 250, quietMs: 100, target };

    it('is answered sooner when the thing says that it changed', async () => {
      const told = () => Promise.resolve(true);
      expect((await settle([[20, TICK]], waits)).settledMs).toBeGreaterThanOrEqual(250);
      const { settledMs } = await settle([[20, TICK]], { ...waits, told });
      expect(settledMs).toBeGreaterThanOrEqual(180);
      expect(settledMs).toBeLessThan(200);
    });

    it('is not when it says nothing, or nothing was seen', async () => {
      const told = () => Promise.resolve(false);
      expect((await settle([[20, TICK]], { ...waits, told })).settledMs).toBeGreaterThanOrEqual(250);
      const unseen = await settle([], { ...waits, told: () => Promise.resolve(true) });
      expect(unseen.settledMs).toBeGreaterThanOrEqual(250);
    });

    it('what it makes a page do is waited for as ever', async () => {
      const told = () => Promise.resolve(true);
      const changes = [[20, TICK] as const, [170, BIG] as const];
      expect((await settle(changes, { ...waits, told })).settledMs).toBeGreaterThanOrEqual(270);
    });
  });
});
