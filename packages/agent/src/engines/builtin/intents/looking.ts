import type { Intent, IntentReader } from '../intent.ts';
import { URL_ATOM } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const SHOT = [
  pattern(
    `(?:take|make|capture|grab|get|create|save|record|snap|do)\\s+(?:me\\s+)?(?:a\\s+|an\\s+|the\\s+|another\\s+)?(?:full[- ]?page\\s+|whole\\s+|final\\s+|quick\\s+)?(?:screen\\s?shot|screen\\s?cap(?:ture)?|screen\\s+grab|snapshot|picture|photo|image|capture)(?:\\s+(?:of|from|showing)\\s+.+)?`,
  ),
  pattern(
    `(?:screen\\s?shot|capture|snap)(?:\\s+(?:the\\s+|this\\s+|it\\s*)?(?:whole\\s+|current\\s+|entire\\s+)?(?:page|screen|window|result|desktop|view|it)?)?`,
  ),
];

/** take a screenshot of the page. */
export const readScreenshot: IntentReader = (clause): Intent | null =>
  // "… of http://…" goes there first.
  new RegExp(URL_ATOM, 'u').test(clause.text) || firstMatch(SHOT, clause.text) === null
    ? null
    : { type: 'screenshot' };
