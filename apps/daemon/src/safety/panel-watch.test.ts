import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PANEL_GRACE_MS, PanelWatch } from './panel-watch.ts';

describe('a panel that goes away', () => {
  let present = true;
  let driven = true;
  const gone = vi.fn();
  let watch: PanelWatch;
  beforeEach(() => {
    vi.useFakeTimers();
    present = driven = true;
    gone.mockClear();
    watch = new PanelWatch({ present: () => present, driven: () => driven, gone });
    watch.begin();
  });
  afterEach(() => vi.useRealTimers());
  const becomes = (there: boolean) => {
    present = there;
    watch.changed();
  };

  it('for five seconds of a run is told, once', () => {
    becomes(false);
    vi.advanceTimersByTime(PANEL_GRACE_MS - 1);
    expect(gone).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(gone).toHaveBeenCalledTimes(1);
  });

  it('and comes back in time is nothing', () => {
    becomes(false);
    vi.advanceTimersByTime(PANEL_GRACE_MS - 1);
    becomes(true);
    vi.advanceTimersByTime(60_000);
    expect(gone).not.toHaveBeenCalled();
  });

  it('is nothing while the agent may not act, and nothing any more when it stopped meanwhile', () => {
    driven = false;
    becomes(false);
    vi.advanceTimersByTime(60_000);
    becomes(true);
    driven = true;
    becomes(false);
    driven = false;
    vi.advanceTimersByTime(60_000);
    expect(gone).not.toHaveBeenCalled();
  });

  it('is nothing to a run that never had one, until one joins it', () => {
    present = false;
    watch.begin();
    becomes(false);
    vi.advanceTimersByTime(60_000);
    expect(gone).not.toHaveBeenCalled();
    becomes(true);
    becomes(false);
    vi.advanceTimersByTime(PANEL_GRACE_MS);
    expect(gone).toHaveBeenCalledTimes(1);
  });
});
