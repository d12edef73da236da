import { firstMatch, pattern } from '../intents/patterns.ts';
import type { CompoundReader } from './compound.ts';

const RELEASE = [
  pattern(
    `(?:release|let\\s+go(?:\\s+of)?)(?:\\s+(?:it|them|the\\s+(?:(?:left|right|middle)\\s+)?(?:mouse\\s+)?(?:button|key|keys|mouse)))?(?:\\s+again)?`,
  ),
];

/** "… then release it": every press lets go by itself, so there is nothing left to do. */
export const readRelease: CompoundReader = (clause) =>
  firstMatch(RELEASE, clause.text) === null ? null : [];
