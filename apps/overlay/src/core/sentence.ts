import type english from '../locales/en.json';
import type { PanelView } from './panel-view.ts';

export type MessageKey = keyof typeof english;
export type Translate = (
  key: MessageKey,
  values?: Readonly<Record<string, string | number | null | undefined>>,
) => string;

/**
 * What the state means now, in one sentence; empty where its name says it all.
 * @param clock time of day of an ISO time, null for what is none.
 */
export const sentenceOf = (
  { mode, run, pairing, pause, latch, links }: PanelView,
  hostHeard: boolean,
  t: Translate,
  clock: (iso: string) => string | null,
): string =>
  t(`sentence.${mode}`, {
    status: run ? t('runStatus', { status: run.status }) : 'none',
    host: pairing?.host,
    kind: pause?.kind,
    by: latch?.by,
    at: clock(latch?.at ?? '') ?? 'unknown',
    lost: !hostHeard ? 'host' : links.guard ? 'daemon' : 'guard',
  });
