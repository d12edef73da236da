import { describe, expect, it } from 'vitest';
import type { Settled } from '../ports.ts';
import { SettleMemory, type SettleWish } from './settle-wishes.ts';

const HERE = { application: 'Chromium', title: 'Records' };
const QUICK: Settled = {
  settledMs: 130,
  reason: 'quiet',
  changedArea: 1000,
  answerMs: 20,
  longestGapMs: 0,
  restedMs: 80,
  places: [],
  moving: [],
};

/** Clicks once: asks, ends, and is told what changed afterwards. @returns what was asked for. */
function click(
  memory: SettleMemory,
  settled: Partial<Settled>,
  changedAfterMs: number | null = null,
  place = HERE,
) {
  const wish = memory.wish('click', place, 3000) as SettleWish;
  memory.ended('click', place, wish, { ...QUICK, ...settled });
  memory.next(changedAfterMs);
  return wish;
}

describe('how long to look after an operation', () => {
  it('is the same for everything as long as nothing is known', () => {
    const memory = new SettleMemory();
    expect(memory.wish('click', HERE, 3000)).toEqual({
      floorMs: 40,
      answerMs: 250,
      quietMs: 100,
      ceilingMs: 3000,
    });
    expect(memory.wish('click', null, 500)).toMatchObject({ ceilingMs: 500 });
    expect(memory.wish('wait', HERE, 3000)).toBeNull();
  });

  it('gets shorter where three operations in a row needed less, never below what a slow frame takes', () => {
    const memory = new SettleMemory();
    for (let time = 0; time < 3; time += 1) expect(click(memory, {}).quietMs).toBe(100);
    expect(click(memory, {}).quietMs).toBeLessThan(90);
    for (let time = 0; time < 50; time += 1) click(memory, {});
    const wish = click(memory, {});
    expect(wish.quietMs).toBeGreaterThanOrEqual(60);
    expect(wish.answerMs).toBeGreaterThanOrEqual(200);
    expect(wish.ceilingMs).toBe(1500);
  });

  it('gets longer at once when a page went on after it was taken for done', () => {
    const memory = new SettleMemory();
    for (let time = 0; time < 10; time += 1) click(memory, {});
    click(memory, {}, 580);
    expect(click(memory, {}).quietMs).toBeGreaterThan(600);
  });

  it('forgets what a clock taught that was taken for an answer, and nothing older', () => {
    const memory = new SettleMemory();
    click(memory, { longestGapMs: 90 });
    const before = memory.wish('click', HERE, 3000);
    click(memory, {}, 700);
    expect(memory.wish('click', HERE, 3000)?.quietMs).toBeGreaterThan(700);
    memory.unlearn();
    expect(memory.wish('click', HERE, 3000)).toEqual(before);
    memory.unlearn();
    expect(memory.wish('click', HERE, 3000)).toEqual(before);
    const stranger = { application: 'Other', title: 'x' };
    click(memory, {}, 700, stranger);
    memory.unlearn();
    expect(memory.wish('click', stranger, 3000)).toMatchObject({ quietMs: 100 });
  });

  it('waits longer for an answer where the only change came late', () => {
    const memory = new SettleMemory();
    click(memory, { reason: 'no_change', answerMs: null, settledMs: 250 }, 400);
    expect(click(memory, {}).answerMs).toBeGreaterThan(650);
  });

  it('what a chord taught says nothing about typed text', () => {
    const memory = new SettleMemory();
    const chord = memory.wish('key_combo', HERE, 3000) as SettleWish;
    memory.ended('key_combo', HERE, chord, { ...QUICK, longestGapMs: 400 });
    memory.next(null);
    expect(memory.wish('key_press', HERE, 3000)?.quietMs).toBeGreaterThan(400);
    expect(memory.wish('type_text', HERE, 3000)).toMatchObject({ quietMs: 80 });
  });

  it('outlasts the gaps it has seen', () => {
    const memory = new SettleMemory();
    click(memory, { longestGapMs: 90 });
    expect(click(memory, {}).quietMs).toBeGreaterThan(130);
  });

  it('takes a change long after the decision for something else', () => {
    const memory = new SettleMemory();
    click(memory, {}, 5000);
    expect(click(memory, {}).quietMs).toBe(100);
  });

  it('forgets what it has learnt where that only led to the ceiling', () => {
    const memory = new SettleMemory();
    click(memory, {}, 900);
    expect(click(memory, { reason: 'ceiling', settledMs: 3000 }).quietMs).toBeGreaterThan(1000);
    expect(click(memory, {})).toMatchObject({ quietMs: 100, ceilingMs: 3000 });
  });

  it('holds for its place; another page of a slow application is taken for slow, of a quick one for unknown', () => {
    const memory = new SettleMemory();
    const other = { ...HERE, title: 'Other' };
    for (let time = 0; time < 10; time += 1) click(memory, {});
    expect(memory.wish('click', other, 3000)).toMatchObject({ quietMs: 100, answerMs: 250, ceilingMs: 3000 });
    click(memory, {}, 600);
    expect((memory.wish('click', other, 3000) as SettleWish).quietMs).toBeGreaterThan(600);
    expect(memory.wish('click', { ...other, application: 'xterm' }, 3000)).toMatchObject({ quietMs: 100 });
    expect(memory.wish('scroll', HERE, 3000)).toMatchObject({ quietMs: 120 });
  });

  it('between two operations of one command it is short, whatever was learnt', () => {
    const memory = new SettleMemory();
    click(memory, {}, 900);
    expect(memory.wish('click', HERE, null)).toEqual({
      floorMs: 40,
      answerMs: 40,
      quietMs: 60,
      ceilingMs: 600,
    });
  });

  it('keeps a bounded number of places', () => {
    const memory = new SettleMemory();
    for (let page = 0; page < 1000; page += 1)
      click(memory, {}, 600, { application: `a${page}`, title: 't' });
    expect(memory.wish('click', { application: 'a0', title: 't' }, 3000)).toMatchObject({ quietMs: 100 });
    expect(
      (memory.wish('click', { application: 'a999', title: 't' }, 3000) as SettleWish).quietMs,
    ).toBeGreaterThan(600);
  });
});
