import type { PanelView } from '../core/panel-view.ts';
import { fill, MODE_WORDS, PAUSE_WORDS, STOPPED_BY, words } from './messages.ts';
import { ModeIcon } from './mode-icon.tsx';
import { formatClock } from './numbers.ts';

/** Icon and word of the state, and one sentence that says what it means now. */
export function Status({ view, hostHeard }: { view: PanelView; hostHeard: boolean }) {
  const sentence = sentenceOf(view, hostHeard);
  return (
    <header class="status">
      <h1>
        <ModeIcon mode={view.mode} />
        <span>{MODE_WORDS[view.mode]}</span>
      </h1>
      {sentence !== '' && <p class="sentence">{sentence}</p>}
    </header>
  );
}

export function sentenceOf(view: PanelView, hostHeard: boolean): string {
  switch (view.mode) {
    case 'idle':
      return view.run === null ? words.idle : fill(words.lastRun, { status: view.run.status });
    case 'pairing':
      return view.pairing === null ? '' : fill(words.pairing, { host: view.pairing.host });
    case 'paused':
    case 'takeover':
      return PAUSE_WORDS[view.pause?.kind ?? 'unknown'];
    case 'stopped': {
      const by = STOPPED_BY[view.latch?.by ?? ''] ?? '';
      const at = view.latch?.at;
      return at ? fill(words.stoppedAt, { time: formatClock(at), by }) : fill(words.stopped, { by });
    }
    case 'disconnected':
      return words.disconnected;
    case 'controls_lost':
      if (!hostHeard) return words.lostHost;
      return view.links.guard ? words.lostDaemon : words.lostGuard;
    default:
      return '';
  }
}
