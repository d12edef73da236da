import { describe, expect, it } from 'vitest';
import { PageTab } from './page-tab.ts';

const tab = () => new PageTab({ targetId: 'main', url: 'about:blank', title: '' }, 'session');

describe('whether a page still loads', () => {
  it('is told by its frames first', () => {
    const page = tab();
    expect(page.isLoading(0)).toBe(false);
    page.frameStarted('main', 0);
    page.frameStarted('child', 1);
    expect(page.isLoading(2)).toBe(true);
    page.frameStopped('main');
    expect(page.isLoading(3)).toBe(true);
    page.frameStopped('child');
    expect(page.isLoading(4)).toBe(false);
  });

  it('goes on while something it asked for is on its way', () => {
    const page = tab();
    page.requestStarted('r', 'Fetch', 100);
    expect(page.isLoading(1000)).toBe(true);
    page.requestEnded('r');
    expect(page.isLoading(1001)).toBe(false);
  });

  it('does not wait for pictures that are asked for later, streams, or what takes too long', () => {
    const page = tab();
    page.requestStarted('picture', 'Image', 0);
    page.requestStarted('socket', 'WebSocket', 0);
    page.requestStarted('stream', 'EventSource', 0);
    expect(page.isLoading(1)).toBe(false);
    page.requestStarted('poll', 'XHR', 0);
    expect(page.isLoading(2500)).toBe(true);
    expect(page.isLoading(2501)).toBe(false);
  });

  it('waits for pictures that belong to the load', () => {
    const page = tab();
    page.frameStarted('main', 0);
    page.requestStarted('picture', 'Image', 1);
    page.frameStopped('main');
    expect(page.isLoading(2)).toBe(true);
  });

  it('gives up on a page that asks without a pause, until it pauses', () => {
    const page = tab();
    for (let at = 0; at <= 7000; at += 500) {
      page.requestStarted(`r${at}`, 'Fetch', at);
      expect(page.isLoading(at)).toBe(at <= 6000);
    }
    for (let at = 0; at <= 7000; at += 500) page.requestEnded(`r${at}`);
    expect(page.isLoading(8000)).toBe(false);
    page.requestStarted('later', 'Fetch', 9000);
    expect(page.isLoading(9001)).toBe(true);
  });

  it('forgets the old page when a new one starts', () => {
    const page = tab();
    page.requestStarted('old', 'Fetch', 0);
    page.frameStarted('main', 1);
    page.frameStopped('main');
    expect(page.isLoading(2)).toBe(false);
  });
});
